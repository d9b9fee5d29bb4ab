package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

// queried is a server that takes some keys, and counts what comes.
type queried struct {
	*dialer
	mu      sync.Mutex
	logins  int    // connections that logged in
	left    int    // and that did not
	refused int    // keys, in all
	most    int    // refusals on one connection
	name    string // of its software
}

func newQueried(t *testing.T, name string, tries int, takes ...ssh.PublicKey) *queried {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	host, port, _ := net.SplitHostPort(l.Addr().String())
	target := Target{Name: "vps1", Address: host, User: "owner", KnownAs: "vps1", KnownHosts: []string{filepath.Join(t.TempDir(), "known_hosts")}}
	target.Port, _ = strconv.Atoi(port)
	id, err := newIdentity(target, HostKeyPolicy{AcceptNew: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := &queried{dialer: &dialer{target: target, identity: id}, name: name}
	hostKey := ground.Signer(t)
	go func() {
		for {
			there, err := l.Accept()
			if err != nil {
				return
			}
			q.serve(there, hostKey, tries, takes)
		}
	}()
	return q
}

func (q *queried) serve(there net.Conn, hostKey ssh.Signer, tries int, takes []ssh.PublicKey) {
	refused := 0
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-" + q.name + "_1.0", MaxAuthTries: tries, PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if slices.ContainsFunc(takes, func(x ssh.PublicKey) bool { return sameKey(x, key) }) || takes == nil {
			return nil, nil
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.refused++
		refused++
		return nil, errors.New("not this one")
	}}
	config.AddHostKey(hostKey)
	c, channels, requests, err := ssh.NewServerConn(there, config)
	q.mu.Lock()
	q.most = max(q.most, refused)
	if err == nil {
		q.logins++
	} else {
		q.left++
	}
	q.mu.Unlock()
	if err == nil {
		go ssh.DiscardRequests(requests)
		go func() {
			for range channels {
			}
		}()
		go func() { _ = c.Wait() }()
	}
}

// TestQuery: each key gets its answer, however little patience the server has, and the connection that asked is one that logged in.
func TestQuery(t *testing.T) {
	mine := ground.Signer(t)
	var keys, takes []ssh.PublicKey
	var want []bool
	for i := range 7 {
		keys = append(keys, ground.Signer(t).PublicKey())
		want = append(want, i%3 == 0)
		if i%3 == 0 {
			takes = append(takes, keys[i])
		}
	}
	for _, tries := range []int{1, 2, 3, 6} {
		t.Run(fmt.Sprint(tries, " tries"), func(t *testing.T) {
			t.Parallel()
			keys, want := keys, want
			if tries < 3 {
				keys, want = keys[:2], want[:2] // each refusal costs a pause
			}
			q := newQueried(t, openSSH, tries, append(slices.Clone(takes), mine.PublicKey())...)
			got, c, err := q.query(context.Background(), auth{user: "owner", signers: []ssh.Signer{mine}}, keys...)
			if err != nil || !slices.Equal(got, want) || c == nil || !sameKey(c.used, mine.PublicKey()) {
				t.Fatalf("%v, %v; want %v, and a login", got, err, want)
			}
			_ = c.Close()
			if len(c.by.queries) > 0 {
				t.Error("to open it again would ask again")
			}
			q.mu.Lock()
			defer q.mu.Unlock()
			if no := len(want) - countTrue(want); q.refused != no {
				t.Errorf("%d keys were refused, of %d that are none", q.refused, no)
			}
			if q.most > mostRefused {
				t.Errorf("%d refusals on one connection", q.most)
			}
			if tries > mostRefused && q.left > 0 {
				t.Errorf("%d connections came and left", q.left)
			}
		})
	}
}

func countTrue(all []bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// TestQueryAlone: without a login of ours the keys get their answers, too.
func TestQueryAlone(t *testing.T) {
	taken, other := ground.Signer(t).PublicKey(), ground.Signer(t).PublicKey()
	q := newQueried(t, openSSH, 6, taken)
	got, c, err := q.query(context.Background(), auth{user: "owner", probe: true}, other, taken)
	if err != nil || c != nil || !slices.Equal(got, []bool{false, true}) {
		t.Errorf("%v, %v, %v", got, c, err)
	}
}

// TestQueryBlind: a server that is not OpenSSH's is asked about a key that nobody has, too; one that says yes to that is not believed.
func TestQueryBlind(t *testing.T) {
	key, mine := ground.Signer(t).PublicKey(), ground.Signer(t)
	for _, probe := range []bool{false, true} {
		q := newQueried(t, "tinyssh", 6)
		if got, c, err := q.query(context.Background(), auth{user: "owner", signers: []ssh.Signer{mine}, probe: probe}, key); !errors.Is(err, ErrBlind) || got != nil || c != nil {
			t.Errorf("%v, %v, %v", got, c, err)
		}
	}
	for _, tries := range []int{1, 6} {
		q := newQueried(t, "dropbear", tries, mine.PublicKey())
		got, c, err := q.query(context.Background(), auth{user: "owner", signers: []ssh.Signer{mine}}, mine.PublicKey())
		if err != nil || !slices.Equal(got, []bool{true}) || c == nil {
			t.Errorf("%d tries: %v, %v", tries, got, err)
		}
	}
}

// TestQueryWithoutAnswer: a login that is refused leaves no key with an answer, and a server that takes no keys at all is no refusal.
func TestQueryWithoutAnswer(t *testing.T) {
	key, mine := ground.Signer(t).PublicKey(), ground.Signer(t)
	q := newQueried(t, openSSH, 6, ground.Signer(t).PublicKey())
	var refused *LoginError
	if got, _, err := q.query(context.Background(), auth{user: "owner", signers: []ssh.Signer{mine}}, key); !errors.As(err, &refused) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	a := auth{user: "owner", probe: true, queries: []*query{{key: key}}, control: &query{}}
	s := &state{auth: a}
	if s.nextQuery([]string{"password"}) != nil || a.queries[0].answered {
		t.Error("a key is shown to a server that takes none")
	}
}
