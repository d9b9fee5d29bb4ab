package main

import (
	"strings"
	"testing"
	"time"

	"kagiban/agent"
	"kagiban/agent/journal"
)

// TestUseLine: one line for a person, whatever is in the names.
func TestUseLine(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 30, 5, 0, time.Local)
	ssh := journal.Peer{PID: 7, Exe: "/usr/bin/ssh"}
	for want, e := range map[string]journal.Entry{
		"allowed  laptop        login to vps1 as \"you\", /usr/bin/ssh (7)": {Request: "sign", Decision: "allowed", Key: "laptop", Purpose: "login", User: "you", Host: "vps1", HostKey: "SHA256:x", Peer: ssh},
		"asked    \"me@here\"     login to SHA256:x as \"you\", /usr/bin/ssh (7), from another computer, through a, then b": {
			Request: "sign", Decision: "asked", Comment: "me@here", Purpose: "login", User: "you", HostKey: "SHA256:x", Peer: ssh, Forwarded: true, Via: "a, then b",
		},
		"refused  SHA256:k      login to ? as \"you\", a program (?), from another computer, no such key": {Request: "sign", Decision: "refused", Fingerprint: "SHA256:k", Purpose: "login", User: "you", Forwarded: true, Reason: "no such key"},
		"allowed  laptop        git signature, /usr/bin/ssh (7), by socket bots":                          {Request: "sign", Decision: "allowed", Key: "laptop", Purpose: "git", Namespace: "git", Peer: ssh, Socket: "bots"},
		"allowed  laptop        something that is neither a login nor a file, /usr/bin/ssh (7)":           {Request: "sign", Decision: "allowed", Key: "laptop", Purpose: "other", Peer: ssh},
		"refused  -             a session bind, /usr/bin/ssh (7), why":                                    {Request: "bind", Decision: "refused", Purpose: "other", Peer: ssh, Reason: "why"},
		"refused  -             an extension of the protocol, /usr/bin/ssh (7), why":                      {Request: "extension", Decision: "refused", Purpose: "other", Count: 1, Peer: ssh, Reason: "why"},
		"refused  -             a session bind, a program (?), no, 37 like that within a minute":          {Request: "bind", Decision: "refused", Purpose: "other", Count: 37, Reason: "no"},
		"refused  -             a change of the agent's keys, /usr/bin/ssh (7), why":                      {Request: "change", Decision: "refused", Purpose: "other", Peer: ssh, Reason: "why"},
		"allowed  b red         signature for \"a b\", /bin/x (7)":                                        {Request: "sign", Decision: "allowed", Key: "b\x1b[31m red", Purpose: "file", Namespace: "a\nb\u202e", Peer: journal.Peer{PID: 7, Exe: "/bin/\u009bmx"}},
		"asked    laptop        login to ? as \"git@github.com', /usr/bin/ssh (4711) x\", \"/tmp/a, as 'b' (1)\" (7)": {
			Request: "sign", Decision: "asked", Key: "laptop", Purpose: "login", User: "git@github.com\", /usr/bin/ssh (4711)\nx", Peer: journal.Peer{PID: 7, Exe: "/tmp/a, as \"b\" (1)"},
		},
		"refused  \"k'  login\"   signature for \"a', b\", /bin/x (7)": {Request: "sign", Decision: "refused", Comment: "k\u201d  login", Purpose: "file", Namespace: "a\", b", Peer: journal.Peer{PID: 7, Exe: "/bin/x"}},
	} {
		e.Time = at.UTC()
		if got := useLine(&e); got != "2026-11-23 09:30:05  "+want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	long := journal.Entry{Key: strings.Repeat("k", 256), User: strings.Repeat("u", 256), Purpose: "login", Reason: strings.Repeat("r", 256), Peer: journal.Peer{Exe: strings.Repeat("e", 1024)}}
	if got := useLine(&long); len(got) > 600 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// TestRefusedName: a program's name ends where it seems to in what status says of it, and is no longer than in a question.
func TestRefusedName(t *testing.T) {
	for want, r := range map[string]agent.Refusal{
		"/usr/bin/ssh": {Peer: agent.Peer{Program: "/usr/bin/ssh"}}, "process 7": {Peer: agent.Peer{PID: 7}}, "a program that is not known": {},
		`"/tmp/a was refused: 'x"`:                    {Peer: agent.Peer{Program: "/tmp/a was refused:\n\"x"}},
		"\"/bin/x, 'y\", at the narrower socket box,": {Peer: agent.Peer{Program: "/bin/x, \"y"}, Socket: "box"},
		"..." + strings.Repeat("x", 98) + "/y":        {Peer: agent.Peer{Program: "/" + strings.Repeat("x", 4000) + "/y"}},
	} {
		if got := refusedName(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "30m": now.Add(-30 * time.Minute), "2d": now.Add(-48 * time.Hour), "2026-11-20": time.Date(2026, 11, 20, 0, 0, 0, 0, time.Local),
		"2026-11-20 10:15": time.Date(2026, 11, 20, 10, 15, 0, 0, time.Local), "2026-11-20 10:15:30": time.Date(2026, 11, 20, 10, 15, 30, 0, time.Local),
		"2026-11-20T10:15:30.250Z": time.Date(2026, 11, 20, 10, 15, 30, 250e6, time.UTC),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"yesterday", "2026-13-01", "-1h", "1y"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
