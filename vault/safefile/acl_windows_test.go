package safefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"kagiban/scripts/ground"
)

// TestStranger: who counts as somebody else in an access list.
func TestStranger(t *testing.T) {
	user, err := userSID()
	if err != nil {
		t.Fatal(err)
	}
	me := user.String()
	for text, want := range map[string]bool{
		privateText(user):                    false,
		"D:(A;;FA;;;" + me + ")":             false,
		"D:(A;;FA;;;BA)(A;OICI;FA;;;SY)":     false,
		"D:":                                 false, // nobody at all
		"D:(D;;FA;;;WD)(A;;FA;;;" + me + ")": false,
		"D:(A;OICIIO;FA;;;CO)":               false, // who makes a file inside: that is us
		"D:(A;OICI;FA;;;CO)":                 true,
		"D:(A;;FR;;;WD)":                     true,
		"D:(A;;FX;;;BU)(A;;FA;;;" + me + ")": true,
		"D:(A;;FA;;;" + me + ")(A;;FR;;;AU)": true,
		"D:(A;OICIIO;FR;;;WD)":               true, // for what is made inside
		"D:(A;;FA;;;S-1-5-21-1-2-3-1001)":    true,
		"O:" + me:                            true, // no list
	} {
		sd, err := windows.SecurityDescriptorFromString(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if who := stranger(sd, user); (who != "") != want {
			t.Errorf("%s: %q may enter", text, who)
		}
	}
	odd, err := windows.SecurityDescriptorFromString(privateText(user))
	if err != nil {
		t.Fatal(err)
	}
	var entry *windows.ACCESS_ALLOWED_ACE
	if list, _, err := odd.DACL(); err != nil || windows.GetAce(list, 0, &entry) != nil {
		t.Fatal(err)
	}
	entry.Header.AceType = 5 // ACCESS_ALLOWED_OBJECT_ACE_TYPE, which we do not read
	if stranger(odd, user) == "" {
		t.Error("an entry of an unknown kind lets nobody in")
	}
	none, err := windows.NewSecurityDescriptor()
	if err == nil {
		err = none.SetDACL(nil, true, false)
	}
	if err != nil || stranger(none, user) != "everybody" {
		t.Errorf("a list that is not there lets in %q, %v", stranger(none, user), err)
	}
}

func TestMayAnyway(t *testing.T) {
	user, err := userSID()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		user.String(): true, "S-1-5-18": true, "S-1-5-32-544": true,
		"S-1-1-0": false, "S-1-5-32-545": false, "S-1-5-11": false, "S-1-5-21-1-2-3-1001": false,
	} {
		sid, err := windows.StringToSid(text)
		if err != nil {
			t.Fatal(err)
		}
		if mayAnyway(sid, user) != want {
			t.Errorf("%s (%s): %v", text, nameOf(sid), !want)
		}
	}
}

// TestPrivateDirOnWindows: what is made is private, what is open is refused and not changed, and can be closed.
func TestPrivateDirOnWindows(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "keys")
	for range 2 {
		if err := PrivateDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if who, err := OthersMay(d); who != "" || err != nil {
			t.Errorf("%s: %q may enter, %v", d, who, err)
		}
	}
	sd, user, err := securityOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	if owner, _, err := sd.Owner(); err != nil || !owner.Equals(user) {
		t.Errorf("the owner is %v, %v", owner, err)
	}
	open := filepath.Join(dir, "open") // wine has it take over what the parent's list says, whatever is asked for
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	ground.LetIn(t, open)
	before, _, err := securityOf(open)
	if err != nil {
		t.Fatal(err)
	}
	var unfit *DirError
	if err := PrivateDir(open); !errors.As(err, &unfit) || !strings.Contains(unfit.Reason, "may enter it") || unfit.Fix == "" {
		t.Errorf("an open folder: %v", err)
	}
	if after, _, err := securityOf(open); err != nil || after.String() != before.String() {
		t.Errorf("it was %s, and is %s, %v", before, after, err)
	}
	if err := ClosePath(open); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(open); err != nil {
		t.Error(err)
	}
}
