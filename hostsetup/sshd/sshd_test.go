package sshd

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTyped: rows are what real sshds print (8.4, 9.2, 10.0, and 10.6 with its CamelCase).
func TestTyped(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Debian 12 as installed", "passwordauthentication yes\nkbdinteractiveauthentication no\nauthenticationmethods any\n", "password"},
		{"upstream defaults", "passwordauthentication yes\nkbdinteractiveauthentication yes\n", "password keyboard-interactive"},
		{"key-only", "passwordauthentication no\nkbdinteractiveauthentication no\n", ""},
		{"8.4: the old name", "passwordauthentication no\nchallengeresponseauthentication yes\n", "keyboard-interactive"},
		{"10.6", "PasswordAuthentication no\nKbdInteractiveAuthentication no\n", ""},
		{"methods: key", "passwordauthentication yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey\n", ""},
		{"methods: key, then password", "passwordauthentication yes\nkbdinteractiveauthentication no\nauthenticationmethods publickey,password\n", ""},
		{"methods: either", "passwordauthentication yes\nkbdinteractiveauthentication no\nauthenticationmethods publickey password\n", "password"},
		{"methods: pam", "passwordauthentication no\nkbdinteractiveauthentication yes\nauthenticationmethods keyboard-interactive:pam\n", "keyboard-interactive"},
		{"says nothing: counts as open", "", "password"},
	} {
		if got := strings.Join(ParseEffective(c.text).Typed(), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSecondFactor(t *testing.T) {
	for text, want := range map[string]string{
		"authenticationmethods any":                            "",
		"authenticationmethods publickey":                      "",
		"authenticationmethods publickey password":             "",
		"authenticationmethods publickey,password":             "publickey,password",
		"AuthenticationMethods publickey,keyboard-interactive": "publickey,keyboard-interactive",
	} {
		if got := ParseEffective(text).SecondFactor(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestHoldsKeys(t *testing.T) {
	for value, want := range map[string]bool{
		"":                        true,
		".ssh/authorized_keys":    true,
		"%h/.ssh/authorized_keys": true,
		"/home/%u/.ssh/authorized_keys .ssh/other": true,
		"/etc/ssh/keys/%u":                         false,
		"none":                                     false,
	} {
		text := ""
		if value != "" {
			text = "authorizedkeysfile " + value
		}
		if got := ParseEffective(text).HoldsKeys(".ssh/authorized_keys", "/home/owner", "owner"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

const include = "Include /etc/ssh/sshd_config.d/*.conf\n"

func TestRehearse(t *testing.T) {
	cloud := File{"/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"}
	early := File{"/etc/ssh/sshd_config.d/00-a.conf", "PasswordAuthentication yes\n"}
	for _, c := range []struct {
		name  string
		files []File
		want  string
	}{
		{"Debian's own", []File{{Config, "# c\n" + include + "UsePAM yes\n"}}, "# c\nInclude NEW\nUsePAM yes\n"},
		{"cloud-init", []File{{Config, include}, cloud}, "Include NEW\nInclude " + cloud.Path + "\n"},
		{"one that sorts before us", []File{{Config, include}, early, cloud}, "Include " + early.Path + "\nInclude NEW\nInclude " + cloud.Path + "\n"},
		{"ours is there", []File{{Config, include}, {DropInPath, DropIn}}, "Include NEW\n"},
		{"relative, quoted, with =", []File{{Config, "include = \"sshd_config.d/*.conf\" # x\n"}}, "Include NEW\n"},
		{"no final newline", []File{{Config, "UsePAM yes\n" + strings.TrimSpace(include)}}, "UsePAM yes\nInclude NEW\n"},
		{"CRLF, BOM", []File{{Config, "\ufeffInclude /etc/ssh/sshd_config.d/*.conf\r\nUsePAM yes\r\n"}}, "Include NEW\nUsePAM yes\r\n"},
		{"commented out", []File{{Config, "#" + include}}, Block + "#" + include},
		{"inside a Match", []File{{Config, "Match User x\n" + include}}, Block + "Match User x\n" + include},
		{"another folder", []File{{Config, "Include /etc/ssh/other/*.conf\n"}}, Block + "Include /etc/ssh/other/*.conf\n"},
		{"our block is there", []File{{Config, Block + "UsePAM yes"}}, Block + "UsePAM yes"},
	} {
		if got := Rehearse(c.files, "NEW", Block); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestUnblocked: what others wrote stays, byte for byte; a block that somebody took apart is nobody's to cut.
func TestUnblocked(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{"", "", true},
		{"UsePAM yes", "UsePAM yes", true},
		{Block + "UsePAM yes", "UsePAM yes", true},
		{"# mine\r\n" + Block + "UsePAM yes\r\n", "# mine\r\nUsePAM yes\r\n", true},
		{strings.TrimSuffix(Block, "\n"), "", true},
		{Block + Block, Block, true},
		{blockBegin + "\nUsePAM yes\n", "", false},
		{"UsePAM yes\n" + blockEnd + "\n", "UsePAM yes\n" + blockEnd + "\n", false},
	} {
		got, ok := Unblocked(c.text)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %q, %v; want %q, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestDoors(t *testing.T) {
	drop := "/etc/ssh/sshd_config.d/"
	for _, c := range []struct {
		name  string
		files []File
		want  []string
	}{
		{"none", []File{{Config, include + "PasswordAuthentication yes\n"}}, nil},
		{"above the Include", []File{{Config, "PasswordAuthentication yes\n" + include}}, []string{Config + ":1"}},
		{"no above the Include", []File{{Config, "PasswordAuthentication no\n" + include}}, nil},
		{"Match User", []File{{Config, include + "Match User backup\n\tPasswordAuthentication yes\n"}}, []string{Config + ":3"}},
		{"Match all wins, too", []File{{Config, include + "Match User x\nX11Forwarding no\nMatch all\nPasswordAuthentication yes\n"}}, []string{Config + ":5"}},
		{"Match in a drop-in", []File{{Config, include}, {drop + "50-x.conf", "match address 10.0.0.0/8\nkbdinteractiveauthentication=yes\n"}}, []string{drop + "50-x.conf:2"}},
		{"cloud-init sorts after us", []File{{Config, include}, {drop + "50-cloud-init.conf", "PasswordAuthentication yes\n"}}, nil},
		{"Match, then Include", []File{{Config, include + "Match User x\nInclude /etc/ssh/backup.conf\n"}, {"/etc/ssh/backup.conf", "PasswordAuthentication yes\n"}}, []string{"/etc/ssh/backup.conf:1"}},
		{"Match, Include, Include", []File{{Config, include + "Match User x\nInclude /etc/ssh/a.conf\n"}, {"/etc/ssh/a.conf", "Include b.conf\n"}, {"/etc/ssh/b.conf", "PasswordAuthentication yes\n"}}, []string{"/etc/ssh/b.conf:1"}},
		{"single quotes", []File{{Config, include + "Match User x\nPasswordAuthentication 'yes'\n"}}, []string{Config + ":3"}},
		{"no inside a Match", []File{{Config, include + "Match User x\nPasswordAuthentication 'no'\n"}}, nil},
		{"no Include: a block comes first", []File{{Config, "PasswordAuthentication yes\n"}}, nil},
		{"no Include, Match", []File{{Config, "Match User x\nPasswordAuthentication yes\n"}}, []string{Config + ":2"}},
		{"sorts before us", []File{{Config, include}, {drop + "00-a.conf", "PasswordAuthentication yes\n"}}, []string{drop + "00-a.conf:1"}},
	} {
		var got []string
		for _, d := range Doors(c.files) {
			got = append(got, d.Where())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestKeyFirst(t *testing.T) {
	for methods, want := range map[string]bool{
		"any": false, "publickey": true, "publickey,password publickey,publickey": true, "publickey password": false, "keyboard-interactive:pam,publickey": false,
	} {
		if got := ParseEffective("authenticationmethods " + methods).KeyFirst(); got != want {
			t.Errorf("%s: %v", methods, got)
		}
	}
	if ParseEffective("passwordauthentication no").KeyFirst() {
		t.Error("nothing asks for a key first")
	}
}

func TestFactors(t *testing.T) {
	for text, want := range map[string]string{
		"AuthenticationMethods publickey":                                                         "",
		"AuthenticationMethods any":                                                               "",
		"AuthenticationMethods publickey,password publickey":                                      "",
		"AuthenticationMethods publickey,publickey":                                               "",
		"AuthenticationMethods publickey,password":                                                Config + ":1",
		"Match User x\nAuthenticationMethods=\"publickey,keyboard-interactive:pam password\" # x": Config + ":2 Match User x",
	} {
		var got []string
		for _, l := range Factors([]File{{Config, text}}) {
			got = append(got, strings.TrimSpace(l.Where()+" "+l.Match))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestDocumented: docs/on-the-server.md shows the drop-in and the block byte for byte.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/on-the-server.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{DropIn, Block, Ours(false, true)} {
		if !strings.Contains(string(text), "```\n"+ours+"```\n") {
			t.Errorf("docs/on-the-server.md does not show\n%s", ours)
		}
	}
}

func TestWalls(t *testing.T) {
	for text, want := range map[string]int{
		include + "PubkeyAuthentication no\n":                                        0, // the drop-in says yes before it
		"PubkeyAuthentication no\n" + include:                                        1,
		include + "Match Address *,!10.0.0.0/8\n\tPubkeyAuthentication no\n":         1,
		include + "Match Address 10.0.0.0/8\n\tPubkeyAuthentication yes\n":           0,
		include + "Match user=ann LocalPort=22\n\tAuthorizedKeysFile /etc/keys/%u\n": 1,
		include + "Match User ann\n\tPubkeyAuthentication no\n":                      0,
		include + "Match User ann\n\tAuthorizedKeysFile /etc/keys/%u\n":              0,
	} {
		if got := Walls([]File{{Config, text}}); len(got) != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
