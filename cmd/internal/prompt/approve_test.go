package prompt

import (
	"strings"
	"testing"
	"time"
)

func TestConsentOf(t *testing.T) {
	for typed, want := range map[string]Consent{
		"y": once, " YES ": once,
		"lock": {Yes: true, UntilLocked: true}, "Lock": {Yes: true, UntilLocked: true},
		"10": {Yes: true, For: 10 * time.Minute}, "10m": {Yes: true, For: 10 * time.Minute}, "1h30m": {Yes: true, For: 90 * time.Minute},
		"90s": {Yes: true, For: 90 * time.Second}, "24h": {Yes: true, For: 24 * time.Hour}, "1440": {Yes: true, For: 24 * time.Hour},
		"": {}, "n": {}, "no": {}, "0": {}, "0m": {}, "-5": {}, "-5m": {}, "25h": {}, "1441": {}, "99999999999999999999": {}, "y 10m": {}, "locked": {}, "all": {},
	} {
		if got := consentOf(typed); got != want {
			t.Errorf("%q: %+v, want %+v", typed, got, want)
		}
	}
	for typed, want := range map[string]bool{"y": true, "yes": true, "10m": false, "lock": false, "": false} {
		if got := (Approval{}).consent(typed); got != (Consent{Yes: want}) {
			t.Errorf("where only once was offered, %q: %+v", typed, got)
		}
	}
}

// TestApproveSlip: what is neither a yes nor a no is asked about again, and is never a yes.
func TestApproveSlip(t *testing.T) {
	for _, tt := range []struct {
		typed string
		asked int
		want  Consent
	}{
		{"n", 1, Consent{}}, {"", 1, Consent{}}, {"No ", 1, Consent{}}, {"y", 1, once},
		{"10 min|10m", 2, Consent{Yes: true, For: 10 * time.Minute}}, {"25h||y", 2, Consent{}}, {"maybe|ye|yes", 3, once},
		{"a|b|c|y", 3, Consent{}},
	} {
		asked, typed := 0, strings.Split(tt.typed, "|")
		got, err := Approval{Answers: "(y, 10m, lock, N)"}.byTerminal(func() ([]byte, error) {
			asked++
			return []byte(typed[asked-1]), nil
		})
		if got != tt.want || asked != tt.asked || err != nil {
			t.Errorf("%q: %+v after %d questions, %v; want %+v after %d", tt.typed, got, asked, err, tt.want, tt.asked)
		}
	}
	asked := 0
	got, err := Approval{}.byTerminal(func() ([]byte, error) { asked++; return []byte([]string{"10m", "y"}[asked-1]), nil })
	if got != once || asked != 2 || err != nil {
		t.Errorf("where only once was offered: %+v after %d questions, %v", got, asked, err)
	}
}
