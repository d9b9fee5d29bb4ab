//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kagiban/cmd/internal/say"
)

// ailment is a way in which a computer can be ill.
type ailment struct {
	name   string
	id     say.ID
	wound  string // makes it so
	around string // said at the beginning of every shell, after what makes it well: for what is wrong with the shell itself
	alone  bool   // nothing else is found then, and nothing at all is once it is mended
}

// ailments has at least one for each row of doctor's table. The home is ~/h, and K is its folder of keys.
func ailments() []ailment {
	return []ailment{
		{"home", say.FolderUnfit, "chmod 755 ~/h", "", true},
		{"keys", say.FolderUnfit, "chmod 770 $K", "", true},
		{"sockets' folder", say.FolderUnfit, "chmod 711 ~/h/run", "", true},
		{"log's folder", say.FolderUnfit, "chmod 777 ~/h/log", "", true},
		{"key read by others", say.FileOpen, "chmod 640 $K/laptop.age", "", true},
		{"public half written by others", say.FileOpen, "chmod 666 $K/laptop.pub", "", true},
		{"settings", say.FileOpen, "chmod 622 ~/h/config.toml", "", true},
		{"log", say.FileOpen, "chmod 644 ~/h/log/agent.log", "", true},
		{"log of uses", say.FileOpen, "chmod 644 ~/h/log/uses/*.jsonl", "", true},
		{"its folder", say.FolderUnfit, "chmod 755 ~/h/log/uses", "", true},
		{"socket", say.FileOpen, "chmod 666 ~/h/run/agent.sock", "", true},
		{"key of root's", say.NotYours, "sudo chown root $K/desk.age", "", false},
		{"folder of root's", say.NotYours, "sudo chown root ~/h/log", "", true},
		{"key without rights", say.KeyUnreadable, "chmod 000 $K/desk.age", "", true},
		{"public half without rights", say.KeyUnreadable, "chmod 200 $K/desk.pub", "", true},
		{"no key any more", say.KeyFileDamaged, "echo nonsense >$K/desk.age", "", true},
		{"no list of servers any more", say.BookDamaged, "(umask 077; echo 'x = [[' >~/h/hosts.toml)", "", true},
		{"tie to a server that nobody knows", say.TieUnfit, `printf "schema = 1\n[[tie]]\nkey = 'laptop'\nhost = 'Git.example.org:2222'\n" >~/h/hosts.toml; chmod 600 ~/h/hosts.toml`, "", true},
		{"tie of no key", say.TieOfNoKey, `printf 'git.example.org %s\n' "$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >~/known; printf "schema = 1\n[[tie]]\nkey = 'labtop'\nhost = 'git.example.org'\nknown_hosts = ['$HOME/known']\n" >~/h/hosts.toml; chmod 600 ~/h/hosts.toml`, "", true},
		{"left behind", say.LeftBehind, "touch -d '2 hours ago' $K/.kagiban-tmp-0123456789abcdef", "", true},
		{"agent ended", say.AgentNotRunning, "kagiban agent stop", "", false}, // its keys are locked afterwards
		{"agent of another version", say.AgentOutdated, "kagiban agent stop; ~/old/kagiban agent start", "", false},
		{"no SSH_AUTH_SOCK", say.SocketUnset, "", "unset SSH_AUTH_SOCK", true},
		{"another's SSH_AUTH_SOCK", say.SocketElsewhere, "ssh-agent -a ~/theirs >/dev/null", "SSH_AUTH_SOCK=~/theirs", true},
		{"locked as a whole", say.AgentLocked, "ssh-add -x", "", true},
		{"nobody to ask", say.NoWayToAsk, "kagiban agent stop; env -u SSH_ASKPASS -u SSH_ASKPASS_REQUIRE kagiban agent start", "", true},
		{"no bus to lock by", say.LockUnheard, `echo 'lock_on = ["suspend"]' >>~/h/config.toml; kagiban agent stop; DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none kagiban agent start`, "", false},
		{"agent with other settings", say.LockSettingsOld, `echo 'lock_after_idle = "5m"' >>~/h/config.toml`, "", false},
		{"narrower socket taken", say.NarrowShut, `kagiban agent socket add box --purpose git --keys laptop --confirm; kagiban agent stop; touch ~/h/run/narrow/box/agent.sock; kagiban agent start; kagiban unlock laptop`, "", true},
		{"narrower socket of a server set up anew", say.NarrowStale, listed + `listed; kagiban agent socket add box --host me@vps1; listed`, "", true},
		{"narrower socket's folder", say.FolderUnfit, "kagiban agent socket add box --purpose git --keys laptop; chmod 755 ~/h/run/narrow/box", "", true},
		{"service of another program", say.ServiceOutdated, "kagiban agent stop; PATH=~/old:$PATH kagiban service install", "", false},
		{"service stopped", say.ServiceIdle, "kagiban agent stop; kagiban service install; systemctl --user stop kagiban-agent.socket", "", false},
		{"service not enabled", say.ServiceIdle, "kagiban agent stop; kagiban service install; systemctl --user disable kagiban-agent.socket", "", false},
		{"service stopped, agent by hand", say.ServiceIdle, "kagiban agent stop; kagiban service install; systemctl --user stop kagiban-agent.socket; kagiban agent start", "", false},
	}
}

// listed puts a server into the list, each time with a new host key.
const listed = `listed() { rm -f ~/new ~/new.pub; ssh-keygen -q -t ed25519 -N '' -f ~/new; (umask 077; cat >~/h/hosts.toml) <<END
schema = 1
[[host]]
name = 'vps1'
address = '192.0.2.1'
port = 22
user = 'me'
known_as = '192.0.2.1'
key = ''
fingerprint = ''
host_keys = ['$(cut -d ' ' -f 1,2 ~/new.pub)']
key_only = true
checked_at = 2026-01-01T00:00:00Z
END
}
`

// well is a computer where nothing is wrong: an agent that can ask, whose socket the shell knows.
const well = `K=~/h/keys; export SSH_ASKPASS=~/askpass SSH_ASKPASS_REQUIRE=force; eval "$(kagiban env --shell sh)"; `

// cure makes it so, whatever was the matter.
const cure = `kagiban service uninstall --force; kagiban agent stop; sudo rm -rf ~/h ~/theirs
mkdir -p -m 700 ~/h ~/h/keys && cp /opt/keys/* $K && chmod 600 $K/*.age && chmod 644 $K/*.pub && printf "client = 'laptop'\n" >~/h/config.toml && chmod 600 ~/h/config.toml &&
kagiban agent start && kagiban unlock laptop && kagiban doctor`

// TestDoctor: each thing that doctor looks for is made wrong once. It is found, mended by the very command that is printed, and found no
// more; and where --fix says that it can, it does. No key's file is another one afterwards.
func TestDoctor(t *testing.T) {
	d := newDesk(t, "/home/owner/h", plainBin, bases()[0])
	d.Put(staticBinary(t, "0.0.9"), "/opt/old")
	d.must("mkdir ~/old; cp /opt/old ~/old/kagiban")
	mends := map[say.ID]bool{}
	for _, row := range checks() {
		mends[row.id] = row.mend != nil
		if !slices.ContainsFunc(ailments(), func(a ailment) bool { return a.id == row.id }) {
			t.Errorf("%s is never made wrong", row.id)
		}
	}
	for _, a := range ailments() {
		ways := []string{"the command"}
		if mends[a.id] {
			ways = append(ways, "--fix")
		}
		for _, way := range ways {
			t.Run(a.name+" by "+way, func(t *testing.T) {
				d := &desk{d.For(t), t, d.home, d.bin}
				d.must(well + cure)
				begin := well + a.around + "\n"
				if a.wound != "" {
					d.must(begin + a.wound)
				}
				before := d.must(sums)
				problems := d.doctor(begin, "true", 4)
				at := slices.IndexFunc(problems, func(p checkedProblem) bool { return p.ID == string(a.id) })
				if at < 0 || a.alone && len(problems) != 1 {
					t.Fatalf("found %+v", problems)
				}
				if a.id == say.ServiceIdle && slices.ContainsFunc(problems, isNoAgent) {
					t.Errorf("the service should start it, and doctor says how to do it by hand: %+v", problems)
				}
				command, code := *problems[at].Fix, 4
				if way == "--fix" {
					command = "kagiban doctor --fix"
				}
				if a.alone {
					code = 0
				}
				left := d.doctor(begin, command, code)
				if slices.ContainsFunc(left, func(p checkedProblem) bool { return p.ID == string(a.id) }) {
					t.Errorf("after %s there is still %+v", command, left)
				}
				if after := d.must(sums); after != before {
					t.Errorf("keys were\n%s\nand are\n%s", before, after)
				}
			})
		}
	}
}

// TestDoctorInOrder: many things are wrong at once, so that some hide others. What doctor prints, done line by line from the top,
// ends with nothing wrong.
func TestDoctorInOrder(t *testing.T) {
	d := newDesk(t, "/home/owner/h", plainBin, bases()[0])
	d.must(well + cure)
	if out, code := d.sh("sudo env KAGIBAN_HOME=$HOME/h " + plainBin + "/kagiban doctor"); code != 4 || strings.Contains(out, "chown") || !strings.Contains(out, "without sudo") {
		t.Errorf("as root: exit %d: %s", code, out)
	}
	d.must(well + `kagiban agent stop; kagiban service install; printf 'SSH_ASKPASS=%s\nSSH_ASKPASS_REQUIRE=force\n' ~/askpass >~/mine; mkdir -p ~/.config/environment.d; mv ~/mine ~/.config/environment.d/70-mine.conf
systemctl --user daemon-reload; chmod 644 $K/*.age; echo nonsense >$K/desk.age; chmod 0 $K/rsa.age; chmod 777 $K ~/h`)
	// an agent that cannot begin is tried a few times, and then systemd gives the sockets up
	d.await("an end of the sockets", listKeys+`; systemctl --user is-failed --quiet kagiban-agent.socket`)
	const begin = well + "\n"
	done := ""
	for range 10 {
		problems := d.doctor(begin, "true", 4)
		done = *problems[0].Fix
		d.must(begin + done)
		if out, code := d.sh(begin + "kagiban doctor"); code == 0 {
			d.says(begin+"ssh-add -T $K/laptop.pub", 0, "")
			return
		} else if strings.Contains(out, "next: "+done+"\n") {
			t.Fatalf("%s did not help", done)
		}
	}
	t.Errorf("there is no end of it; the last was %s", done)
}

func isNoAgent(p checkedProblem) bool { return p.ID == string(say.AgentNotRunning) }

// sums are the contents of all keys, whatever they are called.
const sums = `sudo sh -c 'cat /home/owner/h/keys/*.age* | sha256sum'`

// doctor runs a command and then doctor, in one shell. A code of 4 may be a 0, where others than the one in question need not be found.
func (d *desk) doctor(begin, command string, code int) []checkedProblem {
	d.t.Helper()
	out, got := d.sh(begin + "{ " + command + "\n} >/dev/null 2>&1; kagiban doctor --json")
	if got != code && (got != 0 || command == "true") {
		d.t.Fatalf("exit %d, want %d: %s", got, code, out)
	}
	var report struct {
		Schema   int              `json:"schema"`
		Problems []checkedProblem `json:"problems"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Schema != 1 || report.Problems == nil {
		d.t.Fatalf("%v: %s", err, out)
	}
	return report.Problems
}

// TestDoctorReads: for people it says the same in words; without a home it says what it could not look at; and it
// changes nothing unless it is told to.
func TestDoctorReads(t *testing.T) {
	c := newClient(t)
	if err := os.Chmod(c.home, 0o755); err != nil {
		t.Fatal(err)
	}
	before, err := pictureOf(c.home)
	if err != nil {
		t.Fatal(err)
	}
	out, talk, code := c.kagiban("doctor")
	want := "the folder " + c.home + " cannot be used: others may enter it (mode 0755)\n  still true: nothing was changed\n  next: chmod 700 " + c.home + "\n"
	if code != 4 || talk != "" || !strings.HasPrefix(out, want) || !strings.Contains(out, "next: kagiban agent start\n") {
		t.Errorf("exit %d: %s%s", code, out, talk)
	}
	if after, err := pictureOf(c.home); err != nil || after != before {
		t.Errorf("%v: before\n%s\nafter\n%s", err, before, after)
	}
	// in a folder where others may put what they like no file is touched before it is closed
	keys := filepath.Join(c.home, "keys")
	for path, mode := range map[string]os.FileMode{keys: 0o777, filepath.Join(keys, "laptop.age"): 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if out, _, code := c.kagiban("doctor", "--json"); code != 4 || !strings.Contains(out, `"id":"folder-unfit"`) || strings.Contains(out, `"id":"file-open"`) {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, talk, code := c.kagiban("doctor", "--fix"); code != 4 || strings.Contains(out, "chmod") || strings.Count(talk, "mended: ") != 3 {
		t.Errorf("exit %d: %s%s", code, out, talk)
	}
	c.write(filepath.Join(c.home, "config.toml"), "clint = 'x'\n")
	if out, _, code := c.kagiban("doctor", "--json"); code != 4 || !strings.Contains(out, `"id":"bad-config"`) {
		t.Errorf("exit %d: %s", code, out)
	}
	cmd := c.command("doctor")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 4 || !strings.Contains(string(out), "HOME") {
		t.Errorf("%v: %s", err, out)
	}
}
