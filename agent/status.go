package agent

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// Status is what the agent holds.
type Status struct {
	Keys   []KeyStatus `json:"keys"`             // those of the Source in its order, then those that were added
	CanAsk bool        `json:"can_ask"`          // whether a person could be asked now
	Locked bool        `json:"locked"`           // by a client, with ssh-add -x: no key is used
	Missed []Missed    `json:"missed,omitempty"` // uses that are not in the log
}

// KeyStatus is what is known of one key.
type KeyStatus struct {
	Name        string    `json:"name"` // "" for a key that was added over the socket
	Fingerprint string    `json:"fingerprint"`
	Type        string    `json:"type"` // as in a public key line; "" like Fingerprint while not known
	Comment     string    `json:"comment"`
	Locked      bool      `json:"locked"`
	Hidden      bool      `json:"hidden"`            // removed with ssh-add -d or -D; Unlock shows it again
	Until       time.Time `json:"until,omitzero"`    // when its lifetime ends; zero: never
	Confirm     bool      `json:"confirm,omitempty"` // each use is asked about
	Granted     int       `json:"granted,omitempty"` // uses that a yes still holds for
	Paused      bool      `json:"paused,omitempty"`  // some program is refused unasked, after a question that got no yes; Unlock ends that, but not what a narrower socket keeps quiet for
	// Refused is there if, since the key was last unlocked by name or a question
	// about it answered, a signature was refused because nobody could be asked: for the
	// passphrase of a locked key, or for a yes. It says who was refused.
	Refused *Refusal `json:"refused,omitempty"`
}

// Refusal is who was refused a key, and at which narrower socket, or "".
type Refusal struct {
	Peer   Peer   `json:"peer"`
	Socket string `json:"socket,omitempty"`
}

// Status says what the agent holds.
func (a *Agent) Status() Status {
	a.refresh()
	canAsk := a.o.Ask != nil && a.o.Ask.CanAsk()
	var missed []Missed
	if a.o.Journal != nil {
		missed = a.o.Journal.Missed()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweepLocked()
	status := Status{Keys: []KeyStatus{}, CanAsk: canAsk, Locked: a.seal != nil, Missed: missed}
	for _, e := range a.keys.all() {
		k := KeyStatus{
			Name:    e.name(),
			Comment: e.comment,
			Locked:  e.signer == nil,
			Hidden:  e.hidden,
			Until:   e.until.wall,
			Confirm: e.limits.confirm,
			Refused: e.refused,
		}
		for _, held := range e.grants {
			if a.inForce(held) {
				k.Granted++
			}
		}
		for who, until := range a.cancelled {
			k.Paused = k.Paused || who.entry == e && who.socket == "" && a.o.Now().Before(until)
		}
		if e.public != nil {
			k.Fingerprint, k.Type = ssh.FingerprintSHA256(e.public), e.public.Type()
		}
		status.Keys = append(status.Keys, k)
	}
	return status
}
