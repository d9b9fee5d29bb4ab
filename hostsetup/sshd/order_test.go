package sshd

import "testing"

func TestDecides(t *testing.T) {
	const drop = "/etc/ssh/sshd_config.d/"
	on, off := "PasswordAuthentication yes\n", "PasswordAuthentication no\n"
	for _, c := range []struct {
		name  string
		files []File
		want  string
	}{
		{"the main file, before the Include", []File{{Config, on + include}, {DropInPath, DropIn}}, Config + ":1"},
		{"the first in the folder", []File{{Config, include + on}, {drop + "50-b.conf", off}, {drop + "10-a.conf", on}}, drop + "10-a.conf:1"},
		{"ours comes first", []File{{Config, include + on}, {DropInPath, DropIn}, {drop + "50-cloud-init.conf", on}}, ""},
		{"a block is no setting for everybody", []File{{Config, off + "Match User x\n" + on}}, ""},
		{"what a block includes neither", []File{{Config, "Match User x\nInclude /etc/ssh/x.conf\n"}, {"/etc/ssh/x.conf", on}}, ""},
		{"files in files", []File{{Config, include + off}, {drop + "10-a.conf", "Include /etc/ssh/x.conf\n" + off}, {"/etc/ssh/x.conf", "\n" + on}}, "/etc/ssh/x.conf:2"},
		{"a file that includes itself", []File{{Config, "Include sshd_config\n" + on}}, Config + ":2"},
		{"nothing said", []File{{Config, include}}, ""},
	} {
		l, ok := Decides(c.files, "password")
		got := ""
		if ok {
			got = l.Where()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if l, ok := Decides([]File{{Config, "ChallengeResponseAuthentication yes\n"}}, "keyboard-interactive"); !ok || l.Number != 1 {
		t.Errorf("the older name: %v %v", l, ok)
	}
}
