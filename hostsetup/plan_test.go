package hostsetup

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/sshd"
	"kagiban/scripts/ground"
)

func TestParseMode(t *testing.T) {
	for line, want := range map[string]mode{
		"drwxr-xr-x 2 1000 1000 4096 Jan  1 00:00 .ssh":               {".ssh", 0o755, 1000, 1000},
		"-rw-rw-r--  1 1000 1001 80 Jan 11 2026 .ssh/authorized_keys": {".ssh/authorized_keys", 0o664, 1000, 1001},
		"drwxrwxrwt+ 9 0 0 180 Nov 22 10:00 /home/o w n":              {"/home/o w n", 0o777, 0, 0},
	} {
		if got, ok := parseMode(line); !ok || got != want {
			t.Errorf("%q: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{"", "total 3", "drwxr-xr-x 2 root root 4096 Jan 1 00:00 x"} {
		if got, ok := parseMode(line); ok {
			t.Errorf("%q was taken: %+v", line, got)
		}
	}
}

// TestNarrow: only write bits of group and others, only where sshd would refuse.
func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*facts)
		want   string
	}{
		{"as it should be", func(*facts) {}, ""},
		{"world writable", func(f *facts) { f.paths[0].bits = 0o777 }, "/home/owner 777 755"},
		{"Debian, group of its own", func(f *facts) { f.paths[1].bits = 0o775 }, ""},
		{"Debian, group with members", func(f *facts) { f.paths[1].bits, f.alone = 0o775, false }, ".ssh 775 755"},
		{"upstream's sshd", func(f *facts) { f.paths[2].bits, f.debian = 0o664, false }, ".ssh/authorized_keys 664 644"},
		{"another's folder is not ours", func(f *facts) { f.paths[0].bits, f.paths[0].uid = 0o777, 0 }, ""},
		{"sshd does not care", func(f *facts) {
			f.paths[0].bits = 0o777
			f.effective = map[string]sshd.Effective{"owner": sshd.ParseEffective("strictmodes no")}
		}, ""},
	} {
		f := &facts{user: "owner", home: "/home/owner", uid: 1000, gid: 1000, group: "owner", alone: true, debian: true,
			paths: []mode{{"/home/owner", 0o755, 1000, 1000}, {".ssh", 0o700, 1000, 1000}, {".ssh/authorized_keys", 0o600, 1000, 1000}}}
		c.change(f)
		var got []string
		for _, n := range f.narrow() {
			got = append(got, n.Path, octal(n.From), octal(n.To))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// keyOnlyServer is a server on which nothing would have to be done, if only the key were there.
func keyOnlyServer() *facts {
	closed := sshd.ParseEffective("passwordauthentication no\nkbdinteractiveauthentication no\n")
	return &facts{user: "owner", home: "/home/owner", keys: ".ssh/authorized_keys", there: true, privileged: true, manner: "reload ssh.service",
		files:     []sshd.File{{Path: sshd.Config, Text: "Include /etc/ssh/sshd_config.d/*.conf\n"}},
		effective: map[string]sshd.Effective{"": closed, "owner": closed, "root": closed}}
}

func TestPlan(t *testing.T) {
	key := ground.Signer(t)
	line := authkeys.Format(key.PublicKey(), "laptop")
	open := sshd.ParseEffective("passwordauthentication yes\n")
	root := &RootError{Account: "owner@vps", Why: "no"}
	for _, c := range []struct {
		name    string
		change  func(*facts, *Options)
		offered string
		rootErr error
		install bool
		dropIn  bool
		blocked string
	}{
		{name: "nothing to do", change: func(f *facts, _ *Options) { f.text = line + "\n" }},
		{name: "key missing", install: true},
		{name: "password on", change: func(f *facts, _ *Options) { f.text, f.effective[""] = line, open }, dropIn: true},
		{name: "password on for root alone", change: func(f *facts, _ *Options) { f.text, f.effective["root"] = line, open }, dropIn: true},
		{name: "files say no, the running sshd offers it", change: func(f *facts, _ *Options) { f.text = line }, offered: "publickey password", dropIn: true},
		{name: "no root", change: func(f *facts, _ *Options) { f.effective[""] = open }, rootErr: root, install: true},
		{name: "asked for the key alone", change: func(f *facts, o *Options) { f.effective[""], o.NoEnforce = open, true }, install: true},
		{name: "key bound by options", change: func(f *facts, _ *Options) { f.text = "command=\"x\" " + line }, blocked: "key-bound"},
		{name: "keys elsewhere", change: func(f *facts, _ *Options) {
			f.effective["owner"] = sshd.ParseEffective("passwordauthentication no\nauthorizedkeysfile /etc/ssh/keys/%u")
		}, blocked: "keys-elsewhere"},
		{name: "a Match lets passwords in", change: func(f *facts, _ *Options) {
			f.files[0].Text += "Match User x\nPasswordAuthentication yes\n"
		}, install: true, blocked: "password-in-match"},
		{name: "a second factor, nothing to enforce", change: func(f *facts, _ *Options) {
			f.effective["owner"] = sshd.ParseEffective("passwordauthentication yes\nauthenticationmethods publickey,password\n")
		}, blocked: "own-second-factor"},
		{name: "a second factor, as the login showed", change: func(f *facts, o *Options) { f.partial, o.NoEnforce = true, true }, blocked: "own-second-factor"},
		{name: "a second factor of others", change: func(f *facts, _ *Options) {
			f.files[0].Text, f.effective[""] = f.files[0].Text+"Match User x\nAuthenticationMethods publickey,password\n", open
		}, blocked: "second-factor-of-others"},
		{name: "an obstacle, but nothing to enforce", change: func(f *facts, _ *Options) { f.problems = []Problem{{ID: "x"}} }, install: true},
		{name: "a home that a password opens", change: func(f *facts, _ *Options) { f.filesystem, f.effective[""] = "ecryptfs", open }, blocked: "home-sealed"},
		{name: "a home that a password opens, the keys elsewhere", change: func(f *facts, _ *Options) {
			f.filesystem, f.effective[""] = "fuse.gocryptfs", open
			f.effective["owner"] = sshd.ParseEffective("authorizedkeysfile /etc/ssh/keys/%u")
			f.elsewhere = []sshd.File{{Path: "/etc/ssh/keys/owner", Text: line}}
		}, dropIn: true},
		{name: "no keys are taken", offered: "password", blocked: "no-publickey", change: func(f *facts, _ *Options) { f.text = line }},
		{name: "an obstacle", change: func(f *facts, _ *Options) { f.problems, f.effective[""] = []Problem{{ID: "x"}}, open }, blocked: "x"},
	} {
		f, o := keyOnlyServer(), &Options{Key: key, Comment: "laptop", Target: Target{User: "owner", Name: "vps"}}
		if c.change != nil {
			c.change(f, o)
		}
		p, err := f.plan(o, "sudo", c.rootErr, strings.Fields(c.offered))
		var blocked *BlockedError
		if errors.As(err, &blocked) {
			if c.blocked == "" || blocked.Problems[0].ID != c.blocked {
				t.Errorf("%s: blocked by %+v", c.name, blocked.Problems)
			}
			continue
		}
		if c.blocked != "" || err != nil || (p.Line != "") != c.install || p.DropIn != c.dropIn || (p.Cause != nil) != (c.rootErr != nil) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
}

func octal(bits int) string { return strconv.FormatInt(int64(bits), 8) }
