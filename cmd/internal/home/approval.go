package home

import (
	"fmt"
	"slices"
	"time"
)

// Approval is how long a yes holds that was asked for where only yes or no can be said. The zero value: for one use.
type Approval struct {
	For         time.Duration // 0: not by time
	UntilLocked bool
}

// longestApproval is as long as what a person may choose at a terminal.
const longestApproval = 24 * time.Hour

// UnmarshalText reads "lock", or a time such as "10m" or "1h30m", 24 hours at the most.
func (a *Approval) UnmarshalText(text []byte) error {
	*a = Approval{}
	if string(text) == "lock" {
		a.UntilLocked = true
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return &ValueError{"approve", fmt.Sprintf("%q is neither a time such as \"10m\" nor \"lock\"", text)}
	}
	if d > longestApproval {
		return &ValueError{"approve", fmt.Sprintf("%q is more than 24 hours", text)}
	}
	a.For = d
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (a Approval) MarshalText() ([]byte, error) {
	if a.UntilLocked {
		return []byte("lock"), nil
	}
	return []byte(a.For.String()), nil
}

// ValueError says that a setting's value cannot be understood.
type ValueError struct{ Setting, Problem string }

func (e *ValueError) Error() string { return e.Setting + ": " + e.Problem }

// LimitedSigns says whether keys that are limited to destinations sign for a namespace.
func (c Config) LimitedSigns(namespace string) bool {
	if c.LimitedNamespaces == nil {
		return namespace == "git"
	}
	return slices.Contains(*c.LimitedNamespaces, namespace)
}
