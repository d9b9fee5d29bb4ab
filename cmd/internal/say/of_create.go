package say

import (
	"errors"

	"kagiban/hostsetup"
)

// ofCreate knows the errors of --create-user.
func ofCreate(err error) (ID, Fields) {
	var name *hostsetup.UserNameError
	var open *hostsetup.RootOpenError
	switch {
	case errors.As(err, &open):
		return RootOpen, Fields{"error": open.Error()}
	case errors.As(err, &name) && name.System:
		return SystemUserName, Fields{"name": name.Name}
	case errors.As(err, &name):
		return BadUserName, Fields{"name": name.Name}
	}
	return "", nil
}

// PlanUser tells, a line each, of the account that a plan makes or finds.
func PlanUser(u *hostsetup.NewUser) []string {
	f := Fields{"user": u.Name, "home": u.Home, "shell": u.Shell, "group": u.Name, "file": u.Sudoers}
	if u.Group != "" {
		f["group"] += ", " + u.Group
	}
	lines := []string{Text(PlanUserMade, f)}
	if u.There {
		lines = []string{Text(PlanUserThere, f)}
	}
	switch {
	case u.Sudoers != "":
		return append(lines, Text(PlanSudoFile, f))
	case u.Asked:
		return append(lines, Text(PlanSudoAsks, f))
	}
	return append(lines, Text(PlanSudoKept, f))
}

// stays says in a message of something undone that the account which was made is left; "" if none was.
func stays(user string) string {
	if user == "" {
		return ""
	}
	return ", except for the new account " + user + ", which stays, locked: no password, no key, no sudo"
}
