package safefile

import (
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A folder of ours has one access list that takes nothing over from its parent and holds for all that is made in it: everything
// for the user, and for the system, which makes backups and could take it anyway, as root can elsewhere.
// (Security Descriptor String Format: P protected, OI and CI for files and folders in it, FA all of it, SY the system.)
func privateText(user *windows.SID) string {
	return fmt.Sprintf("D:P(A;OICI;FA;;;%s)(A;OICI;FA;;;SY)", user)
}

// mkdir makes a folder that is private from its birth.
func mkdir(path string) error {
	fail := func(err error) error { return &fs.PathError{Op: "mkdir", Path: path, Err: err} }
	user, err := userSID()
	if err != nil {
		return fail(err)
	}
	// The owner is named: an elevated process would make the Administrators own it.
	sd, err := windows.SecurityDescriptorFromString("O:" + user.String() + privateText(user))
	if err != nil {
		return fail(err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return fail(err)
	}
	sa := windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(sa))
	if err := windows.CreateDirectory(name, &sa); err != nil {
		return fail(err)
	}
	return nil
}

// ClosePath gives a folder or file of ours the access list of a private folder, and what is in it takes that over. Its owner stays.
func ClosePath(path string) error {
	user, err := userSID()
	if err != nil {
		return err
	}
	sd, err := windows.SecurityDescriptorFromString(privateText(user))
	if err != nil {
		return err
	}
	list, _, err := sd.DACL()
	if err != nil {
		return err
	}
	const what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, what, nil, nil, list, nil); err != nil {
		return &fs.PathError{Op: "close", Path: path, Err: err}
	}
	return nil
}

// checkOwner holds the owner and the access list of path against what a private folder has.
func checkOwner(path string, _ fs.FileInfo) error {
	sd, user, err := securityOf(path)
	if err != nil {
		return err
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil {
		return &DirError{path, "its owner cannot be told", "name another folder"}
	}
	if !mayAnyway(owner, user) {
		return &DirError{path, fmt.Sprintf("it belongs to %s, and this runs as %s", nameOf(owner), nameOf(user)),
			"run kagiban as its owner, or name another folder"}
	}
	if who := stranger(sd, user); who != "" {
		return &DirError{path, who + " may enter it (its access list says so)", "kagiban doctor --fix"}
	}
	return nil
}

// OthersMay names somebody besides the user, the system and the Administrators whom the access list of path lets in; "" if there is
// nobody. It is there on Windows alone: elsewhere the mode says it.
func OthersMay(path string) (who string, err error) {
	sd, user, err := securityOf(path)
	if err != nil {
		return "", err
	}
	return stranger(sd, user), nil
}

// securityOf reads the owner and the access list of path, and says who we are.
func securityOf(path string) (sd *windows.SECURITY_DESCRIPTOR, user *windows.SID, err error) {
	sd, err = windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	user, err = userSID()
	return sd, user, err
}

// stranger is the first whom the access list lets in besides those who may anyway, "" if there is none. What it says for files that will be
// made inside counts as well; the one who will make them is ourselves. An entry of a kind that we do not read counts as somebody's, and no
// list at all lets everybody in.
func stranger(sd *windows.SECURITY_DESCRIPTOR, user *windows.SID) string {
	list, _, err := sd.DACL()
	if err != nil || list == nil {
		return "everybody"
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return "somebody"
		}
		const denied, allowedIf = 1, 9 // ACE_HEADER, AceType: ACCESS_DENIED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE
		switch entry.Header.AceType {
		case denied:
		case windows.ACCESS_ALLOWED_ACE_TYPE, allowedIf:
			sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
			maker := entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 && sid.IsWellKnown(windows.WinCreatorOwnerSid)
			if entry.Mask != 0 && !maker && !sid.IsWellKnown(windows.WinCreatorOwnerRightsSid) && !mayAnyway(sid, user) {
				return nameOf(sid)
			}
		default:
			return "somebody"
		}
	}
	return ""
}

// mayAnyway: the user, and those whom no access list keeps out.
func mayAnyway(sid, user *windows.SID) bool {
	return sid.Equals(user) || sid.IsWellKnown(windows.WinLocalSystemSid) || sid.IsWellKnown(windows.WinBuiltinAdministratorsSid)
}

// nameOf is how a person knows sid.
func nameOf(sid *windows.SID) string {
	account, domain, _, err := sid.LookupAccount("")
	switch {
	case err != nil || account == "":
		return sid.String()
	case domain == "":
		return account
	}
	return domain + `\` + account
}

// userSID is the user that runs us.
func userSID() (*windows.SID, error) {
	u, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	return u.User.Sid, nil
}
