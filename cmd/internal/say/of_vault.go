package say

import (
	"errors"
	"regexp"
	"strconv"

	"kagiban/vault"
	"kagiban/vault/safefile"
)

// ofVault knows the errors of the keys at rest, and of the folders that they lie in.
func ofVault(err error) (ID, Fields) {
	if id, fields := ofKeyFile(err); id != "" {
		return id, fields
	}
	var high *vault.WorkFactorError
	var folder *safefile.DirError
	var busy *safefile.LockedError
	var open *safefile.BusyError
	switch {
	case errors.As(err, &high):
		return WorkFactorHigh, Fields{"key": high.Name, "factor": strconv.Itoa(high.Factor), "memory": strconv.FormatInt(high.Memory()>>20, 10)}
	case errors.As(err, &folder):
		return FolderUnfit, Fields{"path": folder.Path, "reason": folder.Reason, "fix": folder.Fix}
	case errors.As(err, &busy):
		return VaultBusy, Fields{"error": busy.Error()}
	case errors.As(err, &open):
		return FileInUse, Fields{"path": open.Path}
	}
	for _, known := range []struct {
		err error
		id  ID
	}{
		{vault.ErrNoKey, NoKey}, {vault.ErrKeyExists, KeyExists}, {vault.ErrBadName, BadKeyName},
		{vault.ErrWrongPassphrase, WrongPassphrase}, {vault.ErrNeedPassphrase, NeedPassphrase},
		{vault.ErrEmptyPassphrase, EmptySecret}, {vault.ErrBrokenKey, BrokenKey}, {vault.ErrDamaged, DamagedKey},
		{vault.ErrWeakKey, WeakKey}, {vault.ErrBadSpec, BadKeySpec}, {vault.ErrBadFormat, BadExportFormat}, {vault.ErrChanged, KeyChanged},
	} {
		if errors.Is(err, known.err) {
			return known.id, Fields{"error": err.Error()}
		}
	}
	return "", nil
}

// ofKeyFile knows why a file cannot be taken in.
func ofKeyFile(err error) (ID, Fields) {
	var format *vault.FormatError
	var cipher *vault.CipherError
	var cost *vault.CostError
	var known *vault.KnownError
	var putty *vault.PuTTYError
	var kind *vault.TypeError
	switch {
	case errors.As(err, &format):
		return NotAKeyFile, Fields{"file": "the file", "looks": format.Looks, "advice": format.Advice}
	case errors.As(err, &cipher):
		return CipherUnread, Fields{"file": "the file", "cipher": cipher.Cipher, "advice": cipher.Advice}
	case errors.As(err, &cost):
		return KeyFileCost, Fields{"file": "the file", "asks": cost.Asks, "max": cost.Max, "advice": cost.Advice}
	case errors.As(err, &known):
		return KeyKnown, Fields{"file": "the file", "key": known.Key}
	case errors.As(err, &putty):
		return PuTTYUnread, Fields{"file": "the file", "what": putty.What, "advice": putty.Advice}
	case errors.As(err, &kind):
		return KeyTypeUnkept, Fields{"type": kind.Type, "advice": kind.Advice}
	}
	return "", nil
}

var placeholder = regexp.MustCompile(`\bFILE\b`)

// ForFile gives an error about a file of the user's its message, and the commands
// that it names the file's name.
func ForFile(file string, err error) *Error {
	id, fields := Of(err)
	named := Fields{"file": file}
	for name, value := range fields {
		switch name {
		case "file":
		case "instead": // the FILE of a flag is another one
			named[name] = value
		default:
			named[name] = placeholder.ReplaceAllLiteralString(value, Quote(file))
		}
	}
	return &Error{ID: id, Fields: named, Err: err}
}
