package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// scenariosDrift are servers that were made key-only, and what came of them later: `host check` finds it, says why, and what to type.
var scenariosDrift = []scenario{
	{number: 51, name: "drift", do: drifts},
	{number: 51, name: "another's change that waits", do: anothersChange},
	{number: 51, name: "many accounts", hook: "for i in $(seq 210); do echo \"u$i:x:$((3000 + i)):100::/:/bin/sh\" >>/etc/passwd; done\n", do: manyAccounts},
	{number: 52, name: "cloud-init at reboot", variant: true, hook: cloudInit + cloudInitAtBoot, do: cloudInitLater},
	{number: 52, name: "cloud-init at reboot, block", variant: true, hook: "sed -i '/^Include/d' /etc/ssh/sshd_config\n" + cloudInitAtBoot, do: cloudInitBlock},
	{number: 53, name: "a second server later", do: secondServers},
	{number: 53, name: "a forwarding is no second server", do: forwarding},
	{number: 54, name: "check without root", options: []string{"sudo=none"}, args: []string{"--no-enforce"}, do: checkWithoutRoot},
	{number: 55, name: "a second factor later", do: secondFactorLater},
	{number: 56, name: "ten checks, fail2ban", hook: fail2ban, do: func(t *testing.T, h *vpstest.Host, c *client) {
		c.until(60*time.Second, "0", func() string { return banned(h) }) // it has begun
		tenChecks(t, h, c)
	}},
	{number: 56, name: "ten checks, PerSourcePenalties", only: []string{"trixie", "newest"}, do: tenChecks},
}

// checked runs host check, and is what it said of the one server.
func (c *client) checked(args []string) (checkedHost, int) {
	c.t.Helper()
	stdout, _, code := c.kagiban(append(args, "--json")...)
	var got struct{ Hosts []checkedHost }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Hosts) != 1 {
		c.t.Fatalf("%v: %s", err, stdout)
	}
	return got.Hosts[0], code
}

// wellAgain: the server is found to be key-only, without any problem.
func (c *client) wellAgain(h *vpstest.Host) {
	c.t.Helper()
	c.until(20*time.Second, "key-only", func() string {
		got, code := c.checked(c.check(h))
		return map[bool]string{true: "key-only"}[code == 0 && got.KeyOnly && len(got.Problems) == 0]
	})
}

// agrees: host check finds nothing, by the same way to root as host add.
func (c *client) agrees(h *vpstest.Host, add []string) {
	c.t.Helper()
	args := c.check(h)
	if i := slices.Index(add, "--sudo-password-file"); i >= 0 {
		args = append(args[:len(args)-1], add[i+1])
	}
	if got, code := c.checked(args); code != 0 || !got.KeyOnly || len(got.Problems) != 0 {
		c.t.Errorf("host check: exit %d, %+v", code, got)
	}
}

// finds runs host check until it finds the problems, each "ID piece of its detail", and returns what to type for each.
func (c *client) finds(h *vpstest.Host, problems ...string) []string {
	c.t.Helper()
	var fixes []string
	c.until(20*time.Second, "found", func() string { // a reload takes its time
		got, code := c.checked(c.check(h))
		fixes = nil
		for _, want := range problems {
			id, detail, _ := strings.Cut(want, " ")
			i := slices.IndexFunc(got.Problems, func(p checkedProblem) bool { return p.ID == id && strings.Contains(p.Detail, detail) })
			if i < 0 || code != 4 || got.KeyOnly || got.Problems[i].Fix == nil {
				return "not " + want
			}
			fixes = append(fixes, *got.Problems[i].Fix)
		}
		return "found"
	})
	if c.t.Failed() {
		c.t.FailNow()
	}
	return fixes
}

var sudoCommands = regexp.MustCompile(`sudo [^,(]*`)

// typeIn types a fix: the commands for the server there, and kagiban's here.
func (c *client) typeIn(h *vpstest.Host, fix string) {
	c.t.Helper()
	if strings.HasPrefix(fix, "kagiban host add") {
		c.onceMore(h)
		return
	}
	commands := sudoCommands.FindAllString(fix, -1)
	if len(commands) == 0 {
		c.t.Errorf("nothing to type: %q", fix)
	}
	for _, command := range commands {
		h.Exec(strings.TrimPrefix(command, "sudo "))
	}
}

// drifts: one thing after the other is changed by hand. Each is found by its file and line, and what is said to type mends it.
func drifts(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	c.wellAgain(h)
	const reload = "; " + vpstest.Reload
	for _, s := range []struct {
		name, change string
		finds        []string
		types        int // which of the fixes
		also         string
	}{
		{"a drop-in that sorts before ours", "printf '#\\nPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-a.conf" + reload,
			[]string{"password-offered owner@vps1", "password-elsewhere /etc/ssh/sshd_config.d/00-a.conf:2"}, 1, ""},
		{"a line above the Include", "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config" + reload, []string{"password-elsewhere /etc/ssh/sshd_config:1"}, 0, ""},
		{"a Match block", "printf 'Match User root\\n\\tPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/99-z.conf" + reload,
			[]string{"password-offered root@vps1", "password-in-match /etc/ssh/sshd_config.d/99-z.conf:2"}, 1, ""},
		{"a Match block for others", "printf 'Match Address 192.0.2.0/24\\n\\tKbdInteractiveAuthentication yes\\n\\tPasswordAuthentication yes\\n' >>/etc/ssh/sshd_config" + reload,
			[]string{"password-in-match /etc/ssh/sshd_config:"}, 0, "sed -i '/^Match/,$d' /etc/ssh/sshd_config" + reload},
		{"nobody has reloaded sshd", "printf 'PasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-a.conf",
			[]string{"password-elsewhere /etc/ssh/sshd_config.d/00-a.conf:1", "open-at-restart publickey"}, 0, ""},
		{"sshd has not read what mends it", "printf 'PasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-a.conf" + reload + "; sleep 1; rm /etc/ssh/sshd_config.d/00-a.conf",
			[]string{"not-in-force not read them", "password-offered owner@vps1"}, 0, ""},
		{"ours edited", "sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' /etc/ssh/sshd_config.d/00-kagiban.conf" + reload,
			[]string{"drop-in-edited /etc/ssh/sshd_config.d/00-kagiban.conf:3"}, 0, ""},
		{"ours gone", "rm /etc/ssh/sshd_config.d/00-kagiban.conf; echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf" + reload,
			[]string{"drop-in-gone 50-cloud-init.conf:1 says"}, 0, "rm /etc/ssh/sshd_config.d/50-cloud-init.conf" + reload},
		{"ours gone, and another that would win over it", "rm /etc/ssh/sshd_config.d/00-kagiban.conf; echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-a.conf" + reload,
			[]string{"drop-in-gone 00-a.conf:1 says", "password-elsewhere /etc/ssh/sshd_config.d/00-a.conf:1"}, 1, "host add"},
		{"the Include gone", "sed -i 's/^Include/#Include/' /etc/ssh/sshd_config" + reload, []string{"drop-in-unread has no line"}, 0, ""},
	} {
		h.Exec(s.change)
		t.Log(s.name)
		fixes := c.finds(h, s.finds...)
		for _, fix := range fixes[:s.types] { // host add would stop at what wins over it
			if _, where, _ := strings.Cut(s.finds[s.types], " "); !strings.HasPrefix(fix, "mend "+where+" first, ") || !strings.HasSuffix(fix, "; then: kagiban host add vps1") {
				t.Errorf("%s: %q", s.name, fix)
			}
		}
		c.typeIn(h, fixes[s.types])
		switch s.also {
		case "":
		case "host add":
			c.onceMore(h)
		default:
			h.Exec(s.also)
		}
		c.wellAgain(h)
		if t.Failed() {
			t.Fatalf("%s: what was to be typed (%s) does not mend it", s.name, fixes[s.types])
		}
	}
}

// anothersChange: another client of the owner's makes a change, and is gone before it is confirmed.
func anothersChange(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	h.Exec("rm /etc/ssh/sshd_config.d/00-kagiban.conf; " + vpstest.Reload)
	c.until(20*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	newClient(t).dieInForce(h, "10m")
	c.finds(h, "change-pending pending")
	h.Reboot(true)
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	fixes := c.finds(h, "drop-in-unconfirmed /etc/ssh/sshd_config.d/00-kagiban.conf", "password-offered owner@vps1")
	c.typeIn(h, fixes[0])
	c.wellAgain(h)
}

// manyAccounts: sshd is asked about 200 of them, which is all that matters as long as its files say one thing for everybody.
func manyAccounts(_ *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	c.wellAgain(h)
	h.Exec("printf 'Match User u210\\n\\tX11Forwarding no\\n' >/etc/ssh/sshd_config.d/60-x.conf")
	c.finds(h, "accounts-too-many 200")
}

// cloudInitAtBoot does at each boot what cloud-init's module set_passwords does with ssh_pwauth when a server is set up: it writes the
// setting into 50-cloud-init.conf where sshd_config includes that folder, else over every such line of sshd_config, and starts sshd anew. It is not cloud-init.
const cloudInitAtBoot = `cat >/usr/local/sbin/like-cloud-init <<'EOF'
#!/bin/sh
[ -e /etc/like-cloud-init ] || exit 0
if grep -q '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config; then
	echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf
else
	sed -i 's/^PasswordAuthentication .*/PasswordAuthentication yes/' /etc/ssh/sshd_config
fi
. /etc/like-cloud-init
EOF
chmod 755 /usr/local/sbin/like-cloud-init
printf '[Unit]\nAfter=ssh.service\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/like-cloud-init\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/like-cloud-init.service
ln -s ../like-cloud-init.service /etc/systemd/system/multi-user.target.wants/
`

// cloudInitLater: what it writes into its own file cannot overrule ours. It does once ours is gone; and sshd may not have read that yet.
func cloudInitLater(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	reboot := func(more string) {
		h.Exec("printf '%s\\n' '" + more + "' >/etc/like-cloud-init")
		h.Reboot(false)
		c.until(60*time.Second, "up", func() string {
			state := strings.TrimSpace(h.Exec("systemctl show -p ActiveState --value like-cloud-init; systemctl is-active ssh || true"))
			return map[bool]string{true: "up"}[state == "inactive\nactive" && c.offered(h.User, h.Addr) != ""]
		})
	}
	reboot("systemctl restart ssh")
	c.wellAgain(h)
	reboot("rm -f /etc/ssh/sshd_config.d/00-kagiban.conf; systemctl restart ssh")
	c.finds(h, "drop-in-gone 50-cloud-init.conf:1 says passwordauthentication yes (cloud-init writes that file)", "password-offered owner@vps1", "password-offered root@vps1")
	c.onceMore(h)
	reboot("sed -i \"s/^#*PasswordAuthentication .*/PasswordAuthentication yes/\" /etc/ssh/sshd_config; rm -f /etc/ssh/sshd_config.d/*")
	fixes := c.finds(h, "drop-in-gone /etc/ssh/sshd_config:", "open-at-restart its files say otherwise")
	c.typeIn(h, fixes[0])
	c.wellAgain(h)
}

// cloudInitBlock: our settings stand in sshd_config itself, where cloud-init writes over each line of that name, ours too.
func cloudInitBlock(_ *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	h.Exec("echo 'systemctl restart ssh' >/etc/like-cloud-init")
	h.Reboot(false)
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	fixes := c.finds(h, "drop-in-edited /etc/ssh/sshd_config:4", "password-offered owner@vps1")
	h.Exec("rm /etc/like-cloud-init")
	c.typeIn(h, fixes[0])
	c.wellAgain(h)
}

// secondServers: others that listen, on another port and in another address family. What each offers is asked, over the login where it cannot be reached.
func secondServers(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	h.Exec("/usr/sbin/sshd -p 2222 -o PidFile=/run/second.pid")
	c.wellAgain(h) // it has the same files
	h.Exec("kill $(cat /run/second.pid)")
	const own = "printf 'ListenAddress %s\\nPidFile none\\nPasswordAuthentication %s\\nKbdInteractiveAuthentication no\\nChallengeResponseAuthentication no\\nUsePAM yes\\n' '%s' %s >/etc/ssh/second; "
	start := func(address, password string) {
		text := strings.NewReplacer("'%s' %s", "'"+address+"' "+password).Replace(own)
		h.Exec(text + "printf '[Service]\\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/second\\n' >/etc/systemd/system/ssh2.service; systemctl daemon-reload; systemctl restart ssh2")
		c.until(20*time.Second, "listens", func() string {
			return map[bool]string{true: "listens"}[strings.Contains(h.Exec("cat /proc/net/tcp /proc/net/tcp6"), ":08AE ")]
		})
	}
	for _, s := range []struct{ address, password, finds string }{
		{"0.0.0.0:2222", "yes", "second-server-open ssh2.service, listens at " + h.Addr + ":2222 and offers password to owner, root"},
		{"[::]:2222", "yes", "second-server-open listens at [::1]:2222 and offers password to owner, root, asked from the server itself"},
		{"127.0.0.1:2222", "no", "second-server-own-settings ssh2.service"},
	} {
		start(s.address, s.password)
		fixes := c.finds(h, s.finds)
		c.typeIn(h, strings.Split(fixes[0], ", or")[0])
		c.wellAgain(h)
	}
	h.Exec("mkdir -p /etc/dropbear; dropbear -R -p 2224")
	fixes := c.finds(h, "second-server-open :2224 and offers password")
	c.typeIn(h, strings.Split(fixes[0], ", or")[0])
	c.wellAgain(h)
}

// forwarding: a login that has the server listen for it is not taken for another SSH server.
func forwarding(t *testing.T, h *vpstest.Host, c *client) {
	forward := exec.Command("ssh", "-F", c.config, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ExitOnForwardFailure=yes", "-i", c.letIn(h),
		"-N", "-R", "7777:127.0.0.1:1", "-l", h.User, "--", h.Addr)
	if err := forward.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = forward.Process.Kill(); _ = forward.Wait() }()
	c.until(20*time.Second, "listens", func() string {
		return map[bool]string{true: "listens"}[strings.Contains(h.Exec("cat /proc/net/tcp"), "0100007F:1E61 ")]
	})
	c.onceMore(h)
	c.wellAgain(h)
}

// checkWithoutRoot: what only root sees is not claimed. Nor is what only a login sees, where the key is locked and nobody is there to ask; the wire is asked all the same.
func checkWithoutRoot(t *testing.T, h *vpstest.Host, c *client) {
	c.must(c.add(h, "--no-enforce")...)
	h.Exec("printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\nChallengeResponseAuthentication no\\n' >/etc/ssh/sshd_config.d/10-x.conf; " + vpstest.Reload)
	c.finds(h, "others-not-checked only publickey is offered to owner@vps1; not checked for others: owner@vps1 cannot become root")
	got, code := c.checked([]string{"host", "check", "-F", c.config})
	if code != 4 || got.KeyOnly || len(got.Problems) != 1 || got.Problems[0].ID != "no-login" || !slices.Equal(got.Methods, []string{"publickey"}) ||
		!strings.Contains(*got.Problems[0].Fix, "kagiban unlock laptop") {
		t.Errorf("with a locked key: exit %d, %+v", code, got)
	}
	h.Exec("rm /etc/ssh/sshd_config.d/10-x.conf; " + vpstest.Reload)
	c.until(20*time.Second, "open", func() string {
		got, code := c.checked([]string{"host", "check", "-F", c.config})
		return map[bool]string{true: "open"}[code == 4 && slices.Contains(got.Methods, "password") && slices.ContainsFunc(got.Problems, func(p checkedProblem) bool { return p.ID == "password-offered" })]
	})
	h.Exec("systemctl stop ssh")
	if got, code := c.checked(c.check(h)); code != 1 || got.KeyOnly || len(got.Problems) != 1 || got.Problems[0].ID != "connection-refused" {
		t.Errorf("with no server: exit %d, %+v", code, got)
	}
}

// secondFactorLater: somebody asks others for more than a key. That is reported, and no reason to call the server open; nor are methods by which nothing is typed.
func secondFactorLater(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	h.Exec("useradd -m -s /bin/sh carol; printf 'GSSAPIAuthentication yes\\nMatch User carol\\n\\tAuthenticationMethods publickey,publickey\\n' >/etc/ssh/sshd_config.d/60-x.conf; " + vpstest.Reload)
	c.until(20*time.Second, "said", func() string {
		got, code := c.checked(c.check(h))
		return map[bool]string{true: "said"}[code == 0 && got.KeyOnly && len(got.Problems) == 1 && got.Problems[0].ID == "needs-second-factor" &&
			strings.Contains(got.Problems[0].Detail, "carol") && strings.Join(got.Methods, ",") == c.offered(h.User, h.Addr)] // gssapi among them, where this sshd has it
	})
}

// tenChecks in a row are never taken for an attack; and a name that does not exist is asked for once.
func tenChecks(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	for range 10 {
		if got, code := c.checked(c.check(h)); code != 0 || !got.KeyOnly {
			t.Fatalf("exit %d", code)
		}
	}
	watched := h.Exec("systemctl is-active fail2ban || true") == "active\n"
	failed := func() string {
		return strings.TrimSpace(h.Exec("fail2ban-client status sshd | sed -n 's/.*Total failed:[^0-9]*//p'"))
	}
	if watched && (banned(h) != "0" || failed() != "0") {
		t.Errorf("banned %s, counted %s", banned(h), failed())
	}
	for i := range 3 {
		got, code := c.checked(append(c.check(h), "--deep"))
		later := slices.ContainsFunc(got.Problems, func(p checkedProblem) bool { return p.ID == "deep-later" })
		if code != 0 || !got.KeyOnly || later != (i > 0) {
			t.Errorf("deep: exit %d, %+v", code, got)
		}
	}
	if watched {
		c.until(30*time.Second, "1", failed)
	}
	if offers := c.offered(h.User, h.Addr); offers != keysOnly {
		t.Errorf("afterwards %q is offered: the client is shut out", offers)
	}
}
