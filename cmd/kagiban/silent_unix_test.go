//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var saysSilent = regexp.MustCompile(`(?m)^\S+: nothing has come from there for 10 s; unless it comes back, the server undoes by itself, at about \d\d:\d\d:\d\d, what was not confirmed$`)

// TestSilentServer: the link is cut while passwords are off and nothing is confirmed. That is said, once, with what the server will do; and when the
// link comes back in time, the run comes to its goal.
func TestSilentServer(t *testing.T) {
	x := newSite(t, "")
	s := x.stopAfter(enforced, "--undo-after", "90s")
	defer x.relay.run.Store(nil)
	x.h.Link(false)
	s.goOn()
	x.c.until(60*time.Second, "told", func() string { return map[bool]string{true: "told"}[saysSilent.MatchString(s.said())] })
	x.h.Link(true)
	said, code := s.end()
	if code != 0 || len(saysSilent.FindAllString(said, -1)) != 1 || strings.Contains(said, "FAIL") {
		t.Errorf("exit %d, %s", code, said)
	}
}
