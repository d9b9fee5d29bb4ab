package say

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"kagiban/hostsetup"
)

// ofRevoke knows why a key was not taken off, or not wholly.
func ofRevoke(err error) (ID, Fields) {
	var used *hostsetup.KeyInUseError
	var stays *hostsetup.StaysRefusedError
	var last *hostsetup.LastKeyError
	var half *hostsetup.HalfRevokedError
	var taken *hostsetup.StillTakenError
	switch {
	case errors.As(err, &used):
		return KeyInUse, Fields{"key": used.Key, "fingerprint": used.Fingerprint, "host": used.Host}
	case errors.As(err, &half): // before what it was stopped by, of which it is said that nothing was changed
		files := "the files are done"
		if len(half.Files) > 0 {
			files = "it still stands in " + strings.Join(half.Files, ", ")
		}
		if errors.Is(half.Err, context.Canceled) {
			return HalfByPerson, Fields{"files": files}
		}
		return HalfRevoked, Fields{"error": cause(half.Err), "files": files}
	case errors.As(err, &stays):
		var login *hostsetup.LoginError
		f := Fields{"account": stays.Account, "user": userOf(stays.Account), "key": stays.Key, "methods": "no key"}
		if errors.As(err, &login) {
			f["methods"] = list(login.Offered)
			if KeysAlone(login.Offered) {
				return OwnKeyShut, f
			}
		}
		return OwnKeyRefused, f
	case errors.As(err, &last):
		return LastKey, Fields{"others": last.List()}
	case errors.As(err, &taken):
		return StillTaken, ofStillTaken(taken)
	}
	return "", nil
}

func ofStillTaken(e *hostsetup.StillTakenError) Fields {
	user := userOf(e.Account)
	var why, fixes []string
	for _, door := range e.Doors {
		detail, fix := Problem(door)
		why, fixes = append(why, detail), append(fixes, fix)
	}
	for _, unseen := range e.Unseen {
		why = append(why, "not seen: "+unseen)
	}
	fixes = append(fixes, "sudo sshd -T -C user="+user+" | grep -iE 'authorizedkeys|trustedusercakeys'   (on the server: where sshd looks)")
	return Fields{"account": e.Account, "fingerprint": e.Fingerprint, "why": cmp.Or(strings.Join(why, "; "), "it stands in no file that was seen, so sshd looks elsewhere, too"), "fixes": strings.Join(fixes, "\n")}
}
