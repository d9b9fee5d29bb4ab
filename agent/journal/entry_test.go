package journal

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestALine(t *testing.T) {
	j := newJournal(t, Options{})
	full := sample("laptop")
	full.Via, full.Socket, full.Reason, full.Namespace, full.Forwarded = "a, then b", "agents", "why", "git", true
	written := []Entry{full, {Time: begin.In(time.FixedZone("", 3600))}}
	for _, e := range written {
		j.Record(e)
	}
	lines, bad, err := (&Reader{Dir: j.options.Dir}).Next()
	if err != nil || bad > 0 || len(lines) != 2 {
		t.Fatalf("%+v, %d, %v", lines, bad, err)
	}
	for i, l := range lines {
		written[i].Time, written[i].Count = begin, 1
		if *l.Entry != written[i] {
			t.Errorf("read %+v\nwritten %+v", *l.Entry, written[i])
		}
	}
	const want = `{"schema":1,"time":"2026-11-23T09:30:00.250Z","count":1,"request":null,"decision":null,"reason":null,"key":null,"fingerprint":null,"comment":null,` +
		`"purpose":null,"namespace":null,"user":null,"host":null,"host_key":null,"via":null,"socket":null,"forwarded":false,"peer":{"pid":null,"exe":null}}`
	if got := string(lines[1].Raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]fs.FileMode{j.options.Dir: 0o700, j.files.path(1): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestWordsFromOutside: whatever a client says, a line is one line of valid JSON and of bounded length.
func TestWordsFromOutside(t *testing.T) {
	j := newJournal(t, Options{})
	all := []string{
		"a\nb\r\x00\x1b[31m\x7f\"\\", "\xff\xfe no UTF-8 \xc3", "\u202e\u2066bidi\u009b", strings.Repeat("é", 400), strings.Repeat("\x00", 100<<10),
		strings.Repeat("a", maxText), strings.Repeat("a", maxText-1) + "é", strings.Repeat("\x01", 255), strings.Repeat("\U000e0041", 30), strings.Repeat("a\"", 200), "{}", "\u2028\u2029", "\u0085\U000e0041\ufeff", "鍵番",
	}
	for _, s := range all {
		j.Record(Entry{Time: begin, Reason: s, Key: s, Fingerprint: s, Comment: s, Purpose: s, Namespace: s, User: s, Host: s, HostKey: s, Via: s, Socket: s, Request: s, Decision: s, Peer: Peer{Exe: s}})
	}
	lines, bad, err := (&Reader{Dir: j.options.Dir}).Next()
	if err != nil || bad > 0 || len(lines) != len(all) {
		t.Fatalf("%d lines, %d, %v", len(lines), bad, err)
	}
	for i, l := range lines {
		var whole string // what encoding/json makes of it
		text, _ := json.Marshal(all[i])
		if err := json.Unmarshal(text, &whole); err != nil {
			t.Fatal(err)
		}
		_, written, _ := bytes.Cut(l.Raw, []byte(`"user":"`))
		written, _, _ = bytes.Cut(written, []byte(`","host":`))
		begin, cut := strings.CutSuffix(l.Entry.User, "…")
		const longest = len(`\udb40\udc41`)
		switch length := len(written) - len("…"); {
		case !cut && (begin != whole || len(written) > maxText), cut && (!strings.HasPrefix(whole, begin) || length > maxText || length <= maxText-longest):
			t.Errorf("%q became %q, in %d bytes", all[i], l.Entry.User, len(written))
		}
		_, written, _ = bytes.Cut(l.Raw, []byte(`"exe":"`))
		written, _, _ = bytes.Cut(written, []byte(`"}}`))
		end, cut := strings.CutPrefix(l.Entry.Peer.Exe, "…")
		switch length := len(written) - len("…"); {
		case !cut && (end != whole || len(written) > maxText), cut && (!strings.HasSuffix(whole, end) || length > maxText || length <= maxText-longest):
			t.Errorf("the path %q became %q, in %d bytes", all[i], l.Entry.Peer.Exe, len(written))
		}
		if !utf8.Valid(l.Raw) || bytes.ContainsFunc(l.Raw, unseen) || len(l.Raw) > 5<<10 {
			t.Errorf("a line of %d bytes: %q", len(l.Raw), l.Raw)
		}
	}
}

func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
