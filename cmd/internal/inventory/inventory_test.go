package inventory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// show is a list in one line: NAME=DESTINATION@@LINE of each host.
func show(l List) string {
	var all []string
	for _, h := range l.Hosts {
		_, line, _ := strings.Cut(h.Where, ":")
		all = append(all, fmt.Sprintf("%s=%s:%s", h.Name, h.Destination, line))
	}
	for _, n := range l.Notes {
		all = append(all, "note "+n.Where+" "+n.What)
	}
	return strings.Join(all, " | ")
}

const iniText = `# of the shop
gate ansible_host=192.0.2.1 ansible_port=2222
[web]
web[01:03].example.com ansible_user=alice # comment
[db]
db-[a:b] ansible_ssh_host="192.0.2.9"
db-a ansible_user='dora'
[shop:children]
web
db
[shop:vars]
ansible_user=deploy
ansible_port = "22022"
[web:vars]
ansible_port=22
[all:vars]
ansible_user=root
[local]
localhost ansible_connection=local
`

const yamlText = `---
all:
  vars: {ansible_user: root, deep: [1, {a: b}]}
  hosts:
    gate:
      ansible_host: 192.0.2.1
      ansible_port: 2222
    v6:
      ansible_host: 2001:db8::1
  children:
    shop:
      vars:
        ansible_user: deploy
        ansible_port: 22022
      children:
        web:
          hosts:
            web[01:03].example.com: {ansible_user: alice}
          vars:
            ansible_port: 22
        db:
          hosts:
            "db-[a:b]":
              ansible_ssh_host: 192.0.2.9
            db-a: # once more
              ansible_user: 'dora'
    local:
      hosts:
        localhost: {ansible_connection: local}
`

func TestParse(t *testing.T) {
	const shop = "web01.example.com=alice@web01.example.com:22:%[1]d | web02.example.com=alice@web02.example.com:22:%[1]d | web03.example.com=alice@web03.example.com:22:%[1]d | " +
		"db-a=dora@192.0.2.9:22022:%[2]d | db-b=deploy@192.0.2.9:22022:%[2]d | note f:%[3]d localhost is reached by local and not by SSH: left out"
	for _, test := range []struct{ name, text, want string }{
		{"a host a line", "\ufeffweb1\r\n\n  # all of them\nalice@web2:2222 # hers\n[2001:db8::1]:22\nweb1\n", "=web1:1 | =alice@web2:2222:4 | =[2001:db8::1]:22:5"},
		{"nothing", "\n# nothing\n", ""},
		{"ssh_config", "Compression yes\nHost web1 web2 *.lan !x\n  HostName=192.0.2.1\nhost = \"web 3\"\nMatch user a\n  User b\nHost *\n", "web1=web1:2 | web2=web2:2 | web 3=web 3:4"},
		{"Ansible's INI", iniText, "gate=root@192.0.2.1:2222:2 | " + fmt.Sprintf(shop, 4, 6, 19)},
		{"Ansible's YAML", yamlText, "gate=root@192.0.2.1:2222:5 | v6=root@[2001:db8::1]:8 | " + fmt.Sprintf(shop, 18, 23, 29)},
		{"a range alone", "web[8:10]\n", "web8=web8:1 | web9=web9:1 | web10=web10:1"},
		{"a step, and two ranges", "[x]\nr[1:5:2]-[a:b]\n", "r1-a=r1-a:2 | r1-b=r1-b:2 | r3-a=r3-a:2 | r3-b=r3-b:2 | r5-a=r5-a:2 | r5-b=r5-b:2"},
		{"a port in the name", "[x]\nweb1:2222\n[2001:db8::1]:23\n", "web1=web1:2222:2 | 2001-db8--1=[2001:db8::1]:23:3"},
		{"JSON is YAML", `{"web": {"hosts": {"web1": {"ansible_port": 2222}, "web2": null}}}`, "web1=web1:2222:1 | web2=web2:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := Parse("f", []byte(test.text), "/nowhere")
			if got := show(l); err != nil || got != test.want {
				t.Errorf("%v\n%s, want\n%s", err, got, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"web1\nweb2 web3\n", `f:2: "web2 web3" is not one [USER@]HOST[:PORT]`},
		{"Host web1\n  \"HostName x\n", `f:2: "\"HostName x" is no line of an ssh configuration`},
		{"Host \"web1\n", "f:1: a quote has no end"},
		{"[web]\nweb1 ansible_user\n", `f:2: "ansible_user" is no NAME=VALUE`},
		{"[web]\nweb1 ansible_user=\"x\n", "f:2: "},
		{"[web:things]\nweb1\n", "f:1: a section is [GROUP], [GROUP:vars] or [GROUP:children]"},
		{"[web]\nweb[9:1]\n", `f:2: "[9:1]" is no range of up to 10000`},
		{"[web]\nweb[01:100]\n", `f:2: "[01:100]" is no range`},
		{"[web]\nw[1:9000]-[1:9000]\n", "f:2: "},
		{"[a:children]\nb\n[b:children]\na\n[b]\nweb1\n", "is inside of itself"},
		{"web1 ansible_host={{ip}}\n", `f:1: ansible_host is "{{ip}}", and templates are not filled in here`},
		{"web1 ansible_ssh_common_args='-J gate'\n", "f:1: ansible_ssh_common_args is not understood here"},
		{"all:\n  hosts:\n    web1:\n  host:\n", `f:4: a group has hosts, children and vars, and no "host"`},
		{"all:\n  hosts: [web1]\n", `f:2: "hosts" of the group "all" is names, each with a colon`},
		{"all:\n  hosts:\n    web1: {ansible_host: [1]}\n", `f:3: "ansible_host" is not a plain value`},
		{"all:\n  hosts:\n    web1: &x {a: b}\n    web2: *x\n", "f:3: "},
		{"all:\n  hosts: {a: b\n", "f:"},
	} {
		_, err := Parse("f", []byte(test.text), "/nowhere")
		var wrong *SyntaxError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) || wrong.Line < 1 {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

func TestInclude(t *testing.T) {
	home := t.TempDir()
	for name, text := range map[string]string{"config.d/b": "Host b\n", "config.d/a": "Host a\nInclude ~/other", "../other": "Host other\nbroken\n", "round": "Include round\n"} {
		file := filepath.Join(home, ".ssh", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Parse("f", []byte("Host first\nInclude config.d/*\n"), home)
	if err == nil || err.Error() != filepath.Join(home, "other")+`:2: "broken" is no line of an ssh configuration` {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(home, "other"), []byte("Host other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Parse("f", []byte("Include config.d/* not-there\nHost last\n"), home)
	var names []string
	for _, h := range l.Hosts {
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); err != nil || got != "a other b last" || !l.Aliases {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := Parse("f", []byte("Host x\nInclude round\n"), home); err == nil || !strings.Contains(err.Error(), "more than 16") {
		t.Errorf("%v", err)
	}
}

// FuzzParse: whatever stands in the file, it is understood or refused, with a line that is in it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{iniText, yamlText, "Host a b*\n", "web1\nweb2:22\n", "a: &x [*x]\n", "[a:children]\na\n", "---\n? [x]\n: y\n", "w[1:3]\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(strings.ToLower(string(text)), "include") {
			return // it would read this machine's files
		}
		l, err := Parse("f", text, "/nowhere")
		var wrong *SyntaxError
		if err != nil && (!errors.As(err, &wrong) || wrong.Line < 1) {
			t.Errorf("%v", err)
		}
		for _, h := range l.Hosts {
			if h.Destination == "" || !strings.HasPrefix(h.Where, "f:") {
				t.Errorf("%q", h)
			}
		}
	})
}
