package hostsetup

import (
	"fmt"
	"strings"
)

// A KeyInUseError means that the key to be revoked is the one that the run would log in with. The server was not connected to.
type KeyInUseError struct{ Host, Key, Fingerprint string }

func (e *KeyInUseError) Error() string {
	return fmt.Sprintf("%s (%s) is the key that opens %s from here", e.Key, e.Fingerprint, e.Host)
}

// A StaysRefusedError means that the key that would stay does not open the server. Nothing was changed.
type StaysRefusedError struct {
	Account, Key string
	Err          error
}

func (e *StaysRefusedError) Error() string {
	return fmt.Sprintf("%s does not open %s: %v", e.Key, e.Account, e.Err)
}
func (e *StaysRefusedError) Unwrap() error { return e.Err }

// A LastKeyError lists the accounts of others that would be left without any key. Nothing was changed.
type LastKeyError struct{ Losing []Other }

func (e *LastKeyError) Error() string { return "the last key of others: " + e.List() }

// List is all of them, each with the reason.
func (e *LastKeyError) List() string { return (&OthersError{e.Losing}).List() }

// A HalfRevokedError means that something failed after a file had been changed. Every file is whole: as it was, or without the lines.
type HalfRevokedError struct {
	Files []string // in which the keys still stand, as far as that is known
	Err   error
}

func (e *HalfRevokedError) Error() string {
	return fmt.Sprintf("not all of it is done (left: %s): %v", strings.Join(e.Files, ", "), e.Err)
}
func (e *HalfRevokedError) Unwrap() error { return e.Err }

// A StillTakenError means that sshd takes the key still: by one of the doors, by a file that was not seen, or by one in which it had to stay.
type StillTakenError struct {
	Account, Fingerprint string
	Doors                []Problem
	Unseen               []string
}

func (e *StillTakenError) Error() string {
	return fmt.Sprintf("%s still takes %s", e.Account, e.Fingerprint)
}
