package hostsetup

import (
	"bytes"
	"context"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
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
	negotiated ssh.PublicKey
	proved     chan []ssh.PublicKey
}

func newAnnounced(negotiated ssh.PublicKey) *announced {
	return &announced{negotiated, make(chan []ssh.PublicKey, 1)}
}

// listen takes the announcement out of the stream of requests and hands all others on.
func (a *announced) listen(sc ssh.Conn, requests <-chan *ssh.Request, rest chan<- *ssh.Request) {
	defer close(rest)
	for r := range requests {
		if r.Type != hostKeysRequest || r.WantReply {
			rest <- r
			continue
		}
		keys := a.prove(sc, r.Payload)
		select {
		case a.proved <- keys:
		default: // a second announcement changes nothing
		}
	}
}

// prove asks for a signature by each key that we can check. An unproved key is left out.
func (a *announced) prove(sc ssh.Conn, payload []byte) []ssh.PublicKey {
	var keys []ssh.PublicKey
	var request []byte
	for len(payload) > 0 && len(keys) < maxHostKeys {
		blob, rest, ok := cutString(payload)
		if !ok {
			return nil
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
		return nil
	}
	ok, reply, err := sc.SendRequest(hostKeysProof, true, request)
	if err != nil || !ok {
		return nil
	}
	var proved []ssh.PublicKey
	for _, key := range keys {
		blob, rest, ok := cutString(reply)
		if !ok {
			return proved
		}
		reply = rest
		var signature ssh.Signature
		if ssh.Unmarshal(blob, &signature) != nil || signature.Format == ssh.KeyAlgoRSA {
			continue // SHA-1 proves nothing
		}
		signed := ssh.Marshal(struct {
			Request        string
			Session, Blobs []byte
		}{hostKeysProof, sc.SessionID(), key.Marshal()})
		if key.Verify(signed, &signature) == nil {
			proved = append(proved, key)
		}
	}
	return proved
}

// all returns every host key of the server, one public line each, sorted. A server that announces none has, as far as
// we know, the one.
func (a *announced) all(ctx context.Context) []string {
	keys := []ssh.PublicKey{a.negotiated}
	timer := time.NewTimer(hostKeysPatience)
	defer timer.Stop()
	select {
	case more := <-a.proved:
		keys = append(keys, more...)
		a.proved <- more
	case <-timer.C:
	case <-ctx.Done():
	}
	var lines []string
	for _, k := range keys {
		lines = append(lines, string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(k))))
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
