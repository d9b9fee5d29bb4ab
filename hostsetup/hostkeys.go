package hostsetup

import (
	"bytes"
	"context"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
)

// The two requests by which a server tells all its host keys and proves that it holds them: OpenSSH's PROTOCOL, section 2.5.
const (
	hostKeysRequest  = "hostkeys-00@openssh.com"
	hostKeysProof    = "hostkeys-prove-00@openssh.com"
	hostKeysPatience = 2 * time.Second
	maxHostKeys      = 32
)

// announced collects a server's host keys: the one that this connection was made with and those that the server proves
// to hold besides.
type announced struct {
	conn       ssh.Conn
	negotiated ssh.PublicKey
	told       chan []byte // what the server announced
}

func newAnnounced(conn ssh.Conn, negotiated ssh.PublicKey) *announced {
	if c, ok := negotiated.(*ssh.Certificate); ok {
		negotiated = c.Key // which certificate it has changes, and the key that signed is the server's own
	}
	return &announced{conn, negotiated, make(chan []byte, 1)}
}

// listen takes the announcement out of the stream of requests and hands all others on.
func (a *announced) listen(requests <-chan *ssh.Request, rest chan<- *ssh.Request) {
	defer close(rest)
	for r := range requests {
		if r.Type != hostKeysRequest || r.WantReply {
			rest <- r
			continue
		}
		select {
		case a.told <- r.Payload:
		default: // a second announcement changes nothing
		}
	}
}

// prove asks for a signature by each key that we can check: an RSA key's costs the server more than a login, so only a run that writes the keys down asks.
// An unproved key is left out.
// False: it gave no answer.
func (a *announced) prove(payload []byte) ([]ssh.PublicKey, bool) {
	var keys []ssh.PublicKey
	var request []byte
	for len(payload) > 0 && len(keys) < maxHostKeys {
		blob, rest, ok := cutString(payload)
		if !ok {
			return nil, true
		}
		payload = rest
		key, err := ssh.ParsePublicKey(blob)
		if err != nil || bytes.Equal(blob, a.negotiated.Marshal()) {
			continue // of a kind that we cannot check, or proved by the key exchange
		}
		keys = append(keys, key)
		request = append(request, ssh.Marshal(struct{ Blob []byte }{blob})...)
	}
	if len(keys) == 0 {
		return nil, true
	}
	ok, reply, err := a.conn.SendRequest(hostKeysProof, true, request)
	if err != nil || !ok {
		return nil, err == nil
	}
	var proved []ssh.PublicKey
	for _, key := range keys {
		blob, rest, ok := cutString(reply)
		if !ok {
			return proved, true
		}
		reply = rest
		var signature ssh.Signature
		if ssh.Unmarshal(blob, &signature) != nil || signature.Format == ssh.KeyAlgoRSA {
			continue // SHA-1 proves nothing
		}
		signed := ssh.Marshal(struct {
			Request        string
			Session, Blobs []byte
		}{hostKeysProof, a.conn.SessionID(), key.Marshal()})
		if key.Verify(signed, &signature) == nil {
			proved = append(proved, key)
		}
	}
	return proved, true
}

// all returns every host key of the server, one public line each, sorted; it is asked once. A server that announces none has, as far as
// we know, the one. A connection that has died meanwhile tells nothing: then it is known, if the key of this connection is one of these.
func (a *announced) all(ctx context.Context, known []string) []string {
	ctx, cancel := context.WithTimeout(ctx, hostKeysPatience)
	defer cancel()
	keys := []ssh.PublicKey{a.negotiated}
	more := make(chan []ssh.PublicKey, 1)
	dead := make(chan struct{})
	go func() {
		select {
		case payload := <-a.told:
			if proved, answered := a.prove(payload); answered {
				more <- proved
			} else {
				close(dead)
			}
		case <-ctx.Done():
		}
	}()
	select {
	case proved := <-more:
		keys = append(keys, proved...)
	case <-dead:
		if slices.Contains(known, authkeys.Format(a.negotiated, "")) {
			return known
		}
	case <-ctx.Done():
	}
	var lines []string
	for _, k := range keys {
		lines = append(lines, authkeys.Format(k, ""))
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// cutString takes one string off the front of a packet (RFC 4251, section 5).
func cutString(packet []byte) (value, rest []byte, ok bool) {
	var s struct {
		Value []byte
		Rest  []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(packet, &s) != nil {
		return nil, nil, false
	}
	return s.Value, s.Rest, true
}
