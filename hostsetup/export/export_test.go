package export

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/sshd"
	"kagiban/scripts/ground"
)

// hostile is a comment that means something to everything that may read it.
const hostile = `{{ lookup("pipe", "touch PWNED") }} {% raw %} $(touch PWNED) 'a' "b" \n: # - !!python/object &x *y %h | > é 鍵` + "\u202e\x1b[2J\n- evil"

func testKey(t *testing.T, name, comment string) Key {
	t.Helper()
	public, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(make([]byte, 32)).Public())
	if err != nil {
		t.Fatal(err)
	}
	return Key{name, public, comment}
}

func testHosts(t *testing.T) []Host {
	k := testKey(t, "laptop", hostile)
	return []Host{
		{Name: "plain", Address: "192.0.2.1", Port: 22, User: "me", KnownAs: "192.0.2.1", Key: k},
		{Name: "port", Address: "host.example", Port: 2222, User: "root", KnownAs: "[host.example]:2222", Key: k},
		{Name: "alias", Address: "192.0.2.2", Port: 22, User: "me", KnownAs: "the-key", Jump: "me@gate:2022,[2001:db8::9]", Key: testKey(t, "desk", "desk")},
		{Name: "six", Address: "2001:db8::1", Port: 22, User: "a@b", KnownAs: "2001:db8::1", Key: k},
		{Name: "zone", Address: "fe80::1%eth0", Port: 22, User: "me", KnownAs: "fe80::1%eth0", Key: k},
		{Name: "1e3", Address: "10.0.0.1", Port: 22, User: "yes", KnownAs: "10.0.0.1", ByName: true, Key: k},
	}
}

// run is a program's stdout.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(ground.Program(t, name, "openssh-client, ansible-core"), args...)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "HOME="+c.Dir, "ANSIBLE_HOME="+c.Dir)
	out, err := c.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%s %v: %v\n%s", name, args, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "PWNED")); err == nil {
		t.Errorf("%s ran what a comment says", name)
	}
	return string(out)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSSHReadsItBack: the real ssh makes of each name what the book has.
func TestSSHReadsItBack(t *testing.T) {
	hosts := testHosts(t)
	text, err := SSHConfig(hosts)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "config", text)
	for _, h := range hosts {
		got := map[string]string{}
		for line := range strings.Lines(run(t, "ssh", "-G", "-F", file, "--", h.Name)) {
			keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			got[keyword] = value
		}
		if got["hostname"] != h.Address || got["user"] != h.User || got["port"] != map[bool]string{true: "2222", false: "22"}[h.Name == "port"] ||
			got["hostkeyalias"] != map[bool]string{true: "the-key"}[h.Name == "alias"] || got["proxyjump"] != h.Jump {
			t.Errorf("%s: %v", h.Name, got)
		}
	}
}

// TestAnsibleReadsItBack: the values are the book's, and no comment is a template.
func TestAnsibleReadsItBack(t *testing.T) {
	hosts := testHosts(t)
	files, err := Ansible(hosts)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range files {
		texts[f.Name] = f.Text
	}
	var inventory struct {
		Meta struct {
			Hostvars map[string]map[string]any `json:"hostvars"`
		} `json:"_meta"`
	}
	listed := run(t, "ansible-inventory", "-i", write(t, "inventory.yml", texts["inventory.yml"]), "--list")
	if err := json.Unmarshal([]byte(listed), &inventory); err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		got := inventory.Meta.Hostvars[h.Name]
		address := map[bool]string{true: h.Name, false: h.Address}[h.ByName]
		key, unsafe := got["kagiban_key"].(map[string]any)
		if got["ansible_host"] != address || got["ansible_user"] != h.User || got["ansible_port"] != float64(h.Port) || !unsafe || key["__ansible_unsafe"] != h.Key.line() ||
			(got["ansible_become"] == false) != (h.User == "root") {
			t.Errorf("%s: %v", h.Name, got)
		}
		if args, _ := got["ansible_ssh_common_args"].(string); h.Name == "alias" && args != "-o HostKeyAlias=the-key -o ProxyJump=me@gate:2022,[2001:db8::9]" {
			t.Errorf("%s: %s", h.Name, args)
		}
	}
	placed := run(t, "python3", "-c", `import sys, yaml
tasks = yaml.safe_load(open(sys.argv[1]))[0]["tasks"]
for task in [x for t in tasks for x in t.get("block", [])]:
    if "ansible.builtin.copy" in task: print(task["ansible.builtin.copy"]["content"], end="")`, write(t, "playbook.yml", texts["playbook.yml"]))
	if placed != sshd.DropIn {
		t.Errorf("the playbook's drop-in: %q", placed)
	}
}

// TestCloudInitReadsItBack: as YAML, which is what cloud-init takes it for.
func TestCloudInitReadsItBack(t *testing.T) {
	hosts := testHosts(t)
	text, err := CloudInit(Accounts(hosts))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Users []struct {
			Name string
			Keys []string `json:"ssh_authorized_keys"`
			Lock bool     `json:"lock_passwd"`
		}
		Pwauth      *bool                                         `json:"ssh_pwauth"`
		DisableRoot *bool                                         `json:"disable_root"`
		Files       []struct{ Path, Content, Permissions string } `json:"write_files"`
	}
	read := run(t, "python3", "-c", "import sys, json, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)", write(t, "user-data", text))
	if err := json.Unmarshal([]byte(read), &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "#cloud-config\n") || len(got.Users) != 4 || got.Users[0].Name != "me" || len(got.Users[0].Keys) != 2 || got.Users[3].Name != "yes" || !got.Users[3].Lock ||
		got.Users[0].Keys[0] != hosts[0].Key.line() || got.Pwauth == nil || *got.Pwauth || got.DisableRoot == nil || *got.DisableRoot {
		t.Errorf("%+v", got)
	}
	if len(got.Files) != 1 || got.Files[0].Path != sshd.DropInPath || got.Files[0].Content != sshd.DropIn || got.Files[0].Permissions != "0644" {
		t.Errorf("%+v", got.Files)
	}
}

// TestUnfit: what could not be a name is refused by everything that would write it.
func TestUnfit(t *testing.T) {
	for _, spoil := range []func(*Host){
		func(h *Host) { h.Name = "*" }, func(h *Host) { h.Name = "a b" }, func(h *Host) { h.Name = "x[1:3]" }, func(h *Host) { h.Name = "-x" }, func(h *Host) { h.Name = "" },
		func(h *Host) { h.Name = "a\nProxyCommand x" }, func(h *Host) { h.Address = "x\n\tProxyCommand y" }, func(h *Host) { h.Address = "-oProxyCommand=x" },
		func(h *Host) { h.Address = "{{x}}" }, func(h *Host) { h.User = `a" b` }, func(h *Host) { h.User = "$(x)" }, func(h *Host) { h.User = "" }, func(h *Host) { h.KnownAs = "a b" },
		func(h *Host) { h.Jump = "a b" }, func(h *Host) { h.Jump = "a,-oX" }, func(h *Host) { h.Jump = "-oX" }, func(h *Host) { h.Jump = "a;b" }, func(h *Host) { h.Port = 0 },
		func(h *Host) { h.Key.Name = "../x" },
	} {
		h := testHosts(t)[0]
		spoil(&h)
		var unfit *UnfitError
		if _, err := SSHConfig([]Host{h}); !errors.As(err, &unfit) {
			t.Errorf("ssh-config of %+v: %v", h, err)
		}
		if _, err := Ansible([]Host{h}); !errors.As(err, &unfit) {
			t.Errorf("ansible of %+v: %v", h, err)
		}
		if !account.MatchString(h.User) {
			if _, err := CloudInit(Accounts([]Host{h})); !errors.As(err, &unfit) {
				t.Errorf("cloud-init of %+v: %v", h, err)
			}
		}
	}
}
