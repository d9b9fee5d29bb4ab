package hostsetup

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

const aKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMoeqz6whzV6UVRcYk3xSDt4ib6YmLnyWG5hDDP3s9i9 bob\n"

// bob is somebody else, with a password and a shell.
func bob() account {
	return account{owner: owner{"bob", 1001, 1001, "bob", true, true}, gids: []string{"1001"}, groups: []string{"bob"}, password: "usable", shell: "/bin/bash", shellThere: true}
}

// withKey has lines in the usual place, with the usual modes.
func withKey(x account, lines string) account {
	x.files = []keyFile{{"/home/bob/.ssh/authorized_keys", []mode{
		{"/home/bob/.ssh/authorized_keys", 0o600, 1001, 1001}, {"/home/bob/.ssh", 0o700, 1001, 1001}, {"/home/bob", 0o755, 1001, 1001}}, lines}}
	return x
}

// TestLoses: who is named, and what is said of them.
func TestLoses(t *testing.T) {
	const open = "passwordauthentication yes\nkbdinteractiveauthentication no\nauthenticationmethods any\npermitrootlogin without-password\npermitemptypasswords no\n"
	sftp := func(x *account) { x.shell = "/usr/sbin/nologin" }
	short, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&short.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := string(ssh.MarshalAuthorizedKey(public))
	for _, c := range []struct {
		name     string
		change   func(*account)
		settings string
		want     string
	}{
		{"a password and no key", nil, "", "a password and no key"},
		{"a key", func(x *account) { *x = withKey(*x, aKey) }, "", ""},
		{"a key in the second file", func(x *account) { *x = withKey(*x, aKey); x.files = append([]keyFile{{path: "/x"}}, x.files...) }, "", ""},
		{"a key, and a login by password", func(x *account) { *x = withKey(*x, aKey); x.login = "2026-11-03" }, "", "logged in by password on 2026-11-03"},
		{"no key, and a login", func(x *account) { x.login = "2026-11-03" }, "", "a password and no key; logged in by password on 2026-11-03"},
		{"a login by what the server's files do not know", func(x *account) { x.password, x.login = "none", "2026-11-03" }, "", "logged in by password on 2026-11-03"},
		{"a locked password", func(x *account) { x.password = "none" }, "", ""},
		{"an empty one", func(x *account) { x.password = "empty" }, "", ""},
		{"an empty one that is let in", func(x *account) { x.password = "empty" }, "PermitEmptyPasswords yes", "a password and no key"},
		{"junk for a key", func(x *account) { *x = withKey(*x, "ssh-ed25519 AAAA\n") }, "", "a password and no key"},
		{"command=", func(x *account) { *x = withKey(*x, `restrict,command="backup" `+aKey) }, "", ""},
		{"from=", func(x *account) { *x = withKey(*x, `from="10.0.0.1" `+aKey) }, "", "a password and no key that lets it in from everywhere and for good (options in /home/bob/.ssh/authorized_keys)"},
		{"from=, and another line", func(x *account) { *x = withKey(*x, `from="10.0.0.1" `+aKey+aKey) }, "", ""},
		{"an option that sshd does not know", func(x *account) { *x = withKey(*x, "no-such-option "+aKey) }, "", "a password and no key that lets it in from everywhere and for good (options in /home/bob/.ssh/authorized_keys)"},
		{"a type that sshd does not take", func(x *account) { *x = withKey(*x, aKey) }, "pubkeyacceptedalgorithms rsa-sha2-512", "a password and no key"},
		{"an RSA key", func(x *account) { *x = withKey(*x, rsaKey) }, "RequiredRSASize 2048", ""},
		{"an RSA key that is too short", func(x *account) { *x = withKey(*x, rsaKey) }, "RequiredRSASize 3072", "a password and no key"},
		{"sshd takes no keys", func(x *account) { *x = withKey(*x, aKey) }, "pubkeyauthentication no", "a password and no key, since sshd takes none from it"},
		{"home that all may write", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[2].bits = 0o777 }, "", "a password and a key that sshd refuses (/home/bob may be written by others: 777)"},
		{"the same, not strict", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[2].bits = 0o777 }, "strictmodes no", ""},
		{"Debian, a group of its own", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[1].bits = 0o775 }, "", ""},
		{"a group with members", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[1].bits, x.alone = 0o775, false }, "", "a password and a key that sshd refuses (/home/bob/.ssh may be written by others: 775)"},
		{"another's file", func(x *account) {
			*x = withKey(*x, aKey)
			x.files[0].modes[0] = mode{"/home/bob/.ssh/authorized_keys", 0o644, 1002, 1002}
		}, "", "a password and a key that sshd refuses (/home/bob/.ssh/authorized_keys belongs to another)"},
		{"root's file that bob may read", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[0].uid, x.files[0].modes[0].bits = 0, 0o644 }, "", ""},
		{"root's file that he may not", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[0] = mode{"/k", 0o600, 0, 0} }, "", "a password and a key that sshd refuses (/k cannot be read by it)"},
		{"root's file for his group", func(x *account) { *x = withKey(*x, aKey); x.files[0].modes[0] = mode{"/k", 0o640, 0, 1001} }, "", ""},
		{"passwords are off for him", nil, "passwordauthentication no", ""},
		{"keyboard-interactive instead", nil, "passwordauthentication no\nKbdInteractiveAuthentication yes", "a password and no key"},
		{"not in AllowUsers", nil, "allowusers owner\nallowusers a*", ""},
		{"in AllowUsers, from one host", nil, "AllowUsers owner\nAllowUsers b?b@10.0.0.1", "a password and no key"},
		{"in DenyUsers", nil, "denyusers b*", ""},
		{"in DenyUsers, from one host", nil, "denyusers bob@10.0.0.1", "a password and no key"},
		{"not in AllowGroups", nil, "allowgroups wheel", ""},
		{"in AllowGroups", nil, "allowgroups wheel\nallowgroups b*", "a password and no key"},
		{"in DenyGroups", nil, "denygroups bob", ""},
		{"nologin", sftp, "", ""},
		{"nologin and sftp within sshd", sftp, "forcecommand internal-sftp -l INFO", "a password and no key"},
		{"nologin and the sftp of all", sftp, "subsystem sftp internal-sftp", "a password and no key"},
		{"nologin and a sftp that needs a shell", sftp, "forcecommand none\nsubsystem sftp /usr/lib/openssh/sftp-server", ""},
		{"nologin and a Match", func(x *account) { sftp(x); x.singled = true }, "", "a password and no key"},
		{"nologin and AllowUsers", sftp, "allowusers bob", "a password and no key"},
		{"a shell that is not there", func(x *account) { x.shellThere = false }, "", ""},
		{"the same in a chroot", func(x *account) { x.shellThere = false }, "chrootdirectory /srv/%u", "a password and no key"},
		{"another of uid 0", func(x *account) { x.uid = 0 }, "", ""},
		{"another of uid 0, root by password", func(x *account) { x.uid = 0 }, "permitrootlogin yes", "a password and no key"},
	} {
		x := bob()
		if c.change != nil {
			c.change(&x)
		}
		if got := x.loses(sshd.ParseEffective(c.settings + "\n" + settingsBut(open, c.settings))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// settingsBut drops those of all that one has of its own: sshd tells each keyword once.
func settingsBut(all, own string) string {
	var kept []string
	for line := range strings.Lines(all) {
		keyword, _, _ := strings.Cut(line, " ")
		if !strings.Contains(strings.ToLower(own), keyword+" ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestOthers reads what a server says.
func TestOthers(t *testing.T) {
	const open = "KGab begin effective %\npasswordauthentication yes\n\nKGab end effective %\n"
	answer := func(text string) *remote.Answer {
		t.Helper()
		a, err := remote.Parse(remote.Inspect, "ab", []byte(text+"KGab done 0\n"))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := answer("KGab seen\n" +
		"KGab account bob:1001:1001:usable::there:/home/bob:/bin/bash\nKGab groups bob:1001 27:bob sudo\nKGab group bob:bob:\n" + strings.ReplaceAll(open, "%", "bob") +
		"KGab keyfile bob:/home/bob/.ssh/authorized_keys2\nKGab begin lines bob:/home/bob/.ssh/authorized_keys2\n" + aKey + "\nKGab end lines bob:/home/bob/.ssh/authorized_keys2\n" +
		"KGab begin modes bob:/home/bob/.ssh/authorized_keys2\n-rw-rw-r-- 1 1001 1001 85 Nov 22 19:45 /home/bob/.ssh/authorized_keys2\ndrwx------    2 1001     1001            60 Nov 22 19:45 /home/bob/.ssh\n\nKGab end modes bob:/home/bob/.ssh/authorized_keys2\n" +
		"KGab account john doe:2001:2001:none:2026-11-03:there:/home/john:/bin/bash\n" + strings.ReplaceAll(open, "%", "john doe") +
		"KGab account sue:1008:1009:usable::there:/srv/sftp:/bin/false\nKGab matched sue\n" + strings.ReplaceAll(open, "%", "sue") +
		"KGab account bobby:1010:1010:usable::there:/home/bobby:/bin/sh\n" + strings.ReplaceAll(open, "%", "bobby") +
		"KGab more 7\n")
	f := &facts{debian: true, effective: effectives(a)}
	want := "john doe: logged in by password on 2026-11-03; sue: a password and no key; bobby: a password and no key; 7 more accounts: a password; they were not looked at one by one"
	if got := (&OthersError{f.others(a)}).List(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := unseen(a); got != "" {
		t.Errorf("unseen: %q", got)
	}
	for text, want := range map[string]string{
		"":                                     "recent logins could not be seen",
		"KGab seen\nKGab unread the journal\n": "the journal",
	} {
		if got := unseen(answer(text)); !strings.Contains(got, want) {
			t.Errorf("unseen: %q, want %q", got, want)
		}
	}
}
