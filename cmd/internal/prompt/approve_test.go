package prompt

import (
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
