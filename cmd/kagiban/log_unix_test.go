//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/journal"
	"kagiban/agent/wire"
)

// logLoad has a shipped agent sign over many connections at once. What is signed are logins of users who are all called otherwise, so that
// each signature is known by its user.
type logLoad struct {
	*client
	key    ssh.PublicKey
	socket string

	mu     sync.Mutex
	signed map[string]bool // the users whose signature has come
}

// TestLogKilled: the agent is killed (kill -9) while it signs for eight connections, again and again. Whatever was signed is in the log,
// once; nothing in it is torn. Then it signs until the log has begun a new file, and somebody who follows sees it all.
func TestLogKilled(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	line, err := os.ReadFile(filepath.Join(c.home, "keys", "laptop.pub"))
	if err != nil {
		t.Fatal(err)
	}
	x := &logLoad{client: c, socket: filepath.Join(c.home, "run", "agent.sock"), signed: map[string]bool{}}
	if x.key, _, _, _, err = ssh.ParseAuthorizedKey(line); err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		agent := x.agent()
		x.load(round, func(n int) bool {
			if n == 40*(round+1) {
				_ = agent.Process.Kill() // it has not ended before
			}
			return true // until the connections break
		})
		_ = agent.Wait()
		x.wantAll(x.inLog())
	}

	agent := x.agent()
	follow, seen := x.follow()
	before := len(x.inLog())
	c.until(time.Minute, "all", func() string { return map[bool]string{true: "all"}[len(seen()) == before] })
	more := 0
	for files := x.files(); x.files() == files; more++ {
		if more > 400 {
			t.Fatal("no new file is begun")
		}
		x.load(5+more, func(n int) bool { return n < 100 })
	}
	x.load(5+more, func(n int) bool { return n < 20 })
	_ = agent.Process.Signal(syscall.SIGTERM) // Wait says how it ended
	if err := agent.Wait(); err != nil {
		t.Error(err)
	}
	x.wantAll(x.inLog())
	last := fmt.Sprintf("r%dc7n", 5+more)
	c.until(time.Minute, "seen", func() string {
		for user := range seen() {
			if strings.HasPrefix(user, last) {
				return "seen"
			}
		}
		return fmt.Sprint(len(seen()))
	})
	_ = follow.Process.Signal(os.Interrupt)
	if err := follow.Wait(); err != nil {
		t.Errorf("who follows: %v", err)
	}
	x.wantAll(seen())
}

// agent begins one that is to be killed, with its key open.
func (x *logLoad) agent() *exec.Cmd {
	x.t.Helper()
	cmd := x.command("agent", "run")
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = cmd.Process.Kill() }) // it is gone, if all went well
	x.until(time.Minute, "open", func() string {
		_, _, code := x.kagiban("unlock", "laptop", "--passphrase-file", x.passphrase)
		return map[bool]string{true: "open"}[code == 0]
	})
	return cmd
}

// load signs over eight connections until each of them is broken, or has signed so often that more says no.
func (x *logLoad) load(round int, more func(n int) bool) {
	x.t.Helper()
	var loading sync.WaitGroup
	var conns [8]net.Conn
	for c := range conns { // before any signs: the agent may be killed then
		var err error
		if conns[c], err = net.Dial("unix", x.socket); err != nil {
			x.t.Fatal(err)
		}
	}
	for c, conn := range conns {
		loading.Go(func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute)) // if it fails, so will what follows
			answers := wire.NewReader(conn)
			for n := 0; more(n) || c > 0 && n == 0; n++ {
				user := fmt.Sprintf("r%dc%dn%d", round, c, n)
				login := &wire.Login{SessionID: []byte("s"), User: user, Algorithm: x.key.Type(), Key: x.key.Marshal()}
				if _, err := conn.Write(wire.Encode(&wire.SignRequest{Blob: x.key.Marshal(), Data: login.Data()})); err != nil {
					return
				}
				answer, err := answers.Next()
				if err != nil {
					if errors.Is(err, os.ErrDeadlineExceeded) {
						x.t.Error(err)
					}
					return
				}
				if answer[0] != byte(wire.TypeSignResponse) {
					x.t.Errorf("%s: the answer is %d", user, answer[0])
					return
				}
				x.mu.Lock()
				x.signed[user] = true
				x.mu.Unlock()
			}
		})
	}
	loading.Wait()
}

// inLog are the users in the log, and how often each is there.
func (x *logLoad) inLog() map[string]int {
	x.t.Helper()
	cmd := x.command("log", "--json")
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil || talk.Len() > 0 {
		x.t.Fatalf("%v: %s", err, talk.String())
	}
	users := map[string]int{}
	for line := range strings.Lines(string(out)) {
		users[x.user(line)]++
	}
	return users
}

func (x *logLoad) user(line string) string {
	var e journal.Entry
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.Key != "laptop" || e.Decision != "allowed" || e.Purpose != "login" {
		x.t.Errorf("%q: %v", line, err)
	}
	return e.User
}

// wantAll: each that was signed is there once.
func (x *logLoad) wantAll(users map[string]int) {
	x.t.Helper()
	x.t.Logf("%d were signed, %d are there", len(x.signed), len(users))
	wrong := 0
	for user := range x.signed {
		if users[user] != 1 {
			x.t.Errorf("%s was signed, and is there %d times", user, users[user])
			if wrong++; wrong > 9 {
				return
			}
		}
	}
}

// follow follows the log from its beginning; seen says who was seen so far.
func (x *logLoad) follow() (cmd *exec.Cmd, seen func() map[string]int) {
	x.t.Helper()
	cmd = x.command("log", "--json", "--follow", "--since", "1d")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = cmd.Process.Kill() }) // it is gone, if all went well
	var mu sync.Mutex
	users := map[string]int{}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			user := x.user(lines.Text())
			mu.Lock()
			users[user]++
			mu.Unlock()
		}
	}()
	return cmd, func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(users)
	}
}

// files is how many the log has.
func (x *logLoad) files() int {
	all, err := filepath.Glob(filepath.Join(x.home, "log", "uses", "*.jsonl"))
	if err != nil {
		x.t.Fatal(err)
	}
	return len(all)
}

// logged: the logins that a person was asked about are in the log, by the servers' names, the way they came, and the program.
func (x *prompting) logged() {
	x.t.Helper()
	out, _, _ := x.kagiban("log", "--json")
	for _, want := range []string{
		`"decision":"asked","reason":null,"key":"laptop",.*"purpose":"login","namespace":null,"user":"owner","host":"vps1 \(one.example.com\)","host_key":"SHA256:[^"]*","via":null,"socket":null,"forwarded":false,"peer":\{"pid":[0-9]+,"exe":"/[^"]*/ssh"\}`,
		`"decision":"asked",.*"user":"owner","host":"two.example.com","host_key":"SHA256:[^"]*","via":"vps1 \(one.example.com\)","socket":null,"forwarded":true,`,
		`"decision":"asked",.*"user":"owner","host":null,"host_key":"SHA256:[^"]*","via":"vps1 \(one.example.com\), then two.example.com","socket":null,"forwarded":true,`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			x.t.Errorf("the log has no line %s", want)
		}
	}
	out, _, _ = x.kagiban("log")
	if want := regexp.MustCompile(`(?m)  asked    laptop        login to two.example.com as "owner", /[^ ]*/ssh \([0-9]+\), from another computer, through vps1 \(one.example.com\)$`); !want.MatchString(out) {
		x.t.Errorf("a person reads no line %s", want)
	}
}
