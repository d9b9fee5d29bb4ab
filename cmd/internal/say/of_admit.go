package say

import (
	"errors"

	"kagiban/hostsetup"
)

// ofAdmit knows why no public key is taken out of a file, and why a server cannot be asked about one.
func ofAdmit(err error) (ID, Fields) {
	if errors.Is(err, hostsetup.ErrBlind) {
		return ServerBlind, Fields{}
	}
	var e *hostsetup.PublicKeyError
	if !errors.As(err, &e) {
		return "", nil
	}
	f := Fields{"file": "the file", "kind": e.Kind, "command": "ssh-keygen -i -m " + e.Kind + " -f FILE"}
	switch e.Why {
	case hostsetup.PublicPrivate:
		return PublicIsPrivate, f
	case hostsetup.PublicSeveral:
		return PublicSeveral, f
	case hostsetup.PublicOptions:
		return PublicOptions, f
	case hostsetup.PublicCertificate:
		return PublicCertificate, f
	case hostsetup.PublicPEM:
		return PublicPEM, f
	case hostsetup.PublicWeak:
		return PublicWeak, f
	}
	return PublicUnknown, f
}
