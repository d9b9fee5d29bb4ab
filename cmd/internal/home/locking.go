package home

import (
	"fmt"
	"time"
)

// Idle is a time without use of any key, after which all are locked. 0: they are not.
type Idle struct{ For time.Duration }

// minIdle is a time in which a person can use a key that was just unlocked.
const minIdle = time.Second

// UnmarshalText reads a time such as "15m" or "1h30m", or "off".
func (i *Idle) UnmarshalText(text []byte) error {
	*i = Idle{}
	if string(text) == "off" {
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < minIdle {
		return &ValueError{"lock_after_idle", fmt.Sprintf("%q is neither a time such as \"15m\" nor \"off\"", text)}
	}
	i.For = d
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (i Idle) MarshalText() ([]byte, error) {
	if i.For == 0 {
		return []byte("off"), nil
	}
	return []byte(i.For.String()), nil
}

// What lock_on can name.
const (
	Suspend = "suspend" // the computer is about to sleep
	Screen  = "screen"  // the screen was locked
)

// LocksOn are the events at which all keys are locked; asked: the file names one or more. By default
// that is before the computer sleeps: nobody uses a key meanwhile, and a sleeping computer is easily
// carried away. Behind a locked screen work goes on that may need keys, so that is locked on only where it is wanted.
func (c Config) LocksOn() (events []string, asked bool) {
	if c.LockOn == nil {
		return []string{Suspend}, false
	}
	return *c.LockOn, len(*c.LockOn) > 0
}

func (c Config) checkLocksOn() error {
	events, _ := c.LocksOn()
	for _, e := range events {
		if e != Suspend && e != Screen {
			return &ValueError{"lock_on", fmt.Sprintf("%q is neither \"suspend\" nor \"screen\"", e)}
		}
	}
	return nil
}
