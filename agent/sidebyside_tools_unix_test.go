//go:build unix

package agent_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// tool runs one of OpenSSH's programs with the agent, and notes how it ended.
func (p *play) tool(name string, args ...string) (stdout string) { return p.typed("", name, args...) }

// typed is tool for a program that asks for something.
func (p *play) typed(answer, name string, args ...string) (stdout string) {
	stdout, code := p.start(answer, name, args...)
	p.say("exit-%d", code)
	return stdout
}

// run runs what has to end well, and notes nothing.
func (p *play) run(name string, args ...string) {
	p.t.Helper()
	if _, code := p.start("", name, args...); code != 0 {
		p.t.Fatalf("%s %q ends with %d", name, args, code)
	}
}

func (p *play) start(answer, name string, args ...string) (stdout string, code int) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+p.socket, "LC_ALL=C", "SSH_ASKPASS_REQUIRE=never")
	if answer != "" {
		ask := filepath.Join(p.t.TempDir(), "askpass")
		if err := os.WriteFile(ask, []byte("#!/bin/sh\necho '"+answer+"'\n"), 0o700); err != nil {
			p.t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force")
	}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); cmd.ProcessState == nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	p.t.Logf("%s %q ends with %d and says %s", name, args, cmd.ProcessState.ExitCode(), talk.String())
	return out.String(), cmd.ProcessState.ExitCode()
}

// keyFile makes a key without a passphrase.
func (p *play) keyFile(args ...string) (folder, path string) {
	folder = p.t.TempDir()
	path = filepath.Join(folder, "id")
	p.run("ssh-keygen", append([]string{"-q", "-N", "", "-C", "me@here", "-f", path}, args...)...)
	return folder, path
}

func (p *play) file(path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// same notes whether a program said what stands in a file.
func (p *play) same(said, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.say("same:%v", said == string(text))
}

// line is a public key as it stands in a file.
func line(key ssh.PublicKey) string { return string(ssh.MarshalAuthorizedKey(key)) }

func confirmFile(p *play) {
	_, key := p.keyFile("-t", "ed25519")
	p.tool("ssh-add", "-c", key)
	p.tool("ssh-add", "-T", key+".pub")
	p.tool("ssh-add", "-d", key)
}

// toolRows let ssh-add speak.
func toolRows() []row {
	return []row{
		{name: "ssh-add: -l -L -d -D -T", want: "exit-1 exit-0 exit-0 exit-0 same:true exit-0 exit-0 exit-1 exit-0 exit-0 exit-1", play: func(p *play) {
			_, key := p.keyFile("-t", "ed25519")
			p.tool("ssh-add", "-l")
			p.tool("ssh-add", key)
			p.tool("ssh-add", "-l")
			p.same(p.tool("ssh-add", "-L"), key+".pub")
			p.tool("ssh-add", "-T", key+".pub")
			p.tool("ssh-add", "-d", key+".pub")
			p.tool("ssh-add", "-d", key+".pub")
			p.tool("ssh-add", key)
			p.tool("ssh-add", "-D")
			p.tool("ssh-add", "-T", key+".pub")
		}},
		{name: "ssh-add: a key with its certificate", want: "exit-0 list[me@here me@here] exit-0 exit-0 list[me@here] exit-0 list[]", play: func(p *play) {
			_, key := p.keyFile("-t", "ecdsa")
			_, ca := p.keyFile("-t", "ed25519")
			p.run("ssh-keygen", "-q", "-s", ca, "-I", "id", "-n", "me", key+".pub")
			p.tool("ssh-add", key)
			p.list()
			p.tool("ssh-add", "-T", key+"-cert.pub")
			p.tool("ssh-add", "-k", "-d", key)
			p.list()
			p.tool("ssh-add", "-d", key)
			p.list()
		}},
		{name: "ssh-add: -t", want: "exit-0 gone", play: func(p *play) {
			_, key := p.keyFile("-t", "rsa", "-b", "2048")
			p.tool("ssh-add", "-t", "1", key)
			p.untilGone()
		}},
		{name: "ssh-add: -c, with a yes", person: "yes", want: "exit-0 exit-0 exit-0", play: confirmFile},
		{name: "ssh-add: -c, with a no", person: "no", want: "exit-0 exit-1 exit-0", play: confirmFile},
		{name: "ssh-add: -c, with nobody to ask", want: "exit-0 exit-1 exit-0", play: confirmFile},
		{name: "ssh-add: -h -H", want: "exit-0 list[me@here] exit-1 success list[me@here] success list[me@here] success list[] exit-255", play: func(p *play) {
			folder, key := p.keyFile("-t", "ed25519")
			known := filepath.Join(folder, "known_hosts")
			hosts := "h " + line(cast()["host"].public) + "h2 " + line(cast()["host2"].public)
			p.file(known, hosts)
			p.tool("ssh-add", "-H", known, "-h", "h", "-h", "h>me@h2", key)
			p.list()
			p.tool("ssh-add", "-T", key+".pub")
			p.on("one").bind("host", "1", true)
			p.list()
			p.bind("host2", "2", false)
			p.list()
			p.on("two").bind("host2", "1", false)
			p.list()
			p.tool("ssh-add", "-H", known, "-h", "h3", key)
		}},
		{name: "ssh-add: -x -X", want: "exit-0 exit-0 exit-1 exit-1 exit-1 exit-1 exit-0 exit-0", play: func(p *play) {
			_, key := p.keyFile("-t", "ed25519")
			p.tool("ssh-add", key)
			p.typed("secret", "ssh-add", "-x")
			p.tool("ssh-add", "-l")
			p.tool("ssh-add", "-D")
			p.tool("ssh-add", key)
			p.typed("wrong", "ssh-add", "-X")
			p.typed("secret", "ssh-add", "-X")
			p.tool("ssh-add", "-l")
		}},
		{name: "ssh-add: -s -e, no such provider", want: "exit-1 exit-1", play: func(p *play) {
			p.typed("1234", "ssh-add", "-s", "/usr/lib/no/such.so")
			p.typed("1234", "ssh-add", "-e", "/usr/lib/no/such.so")
		}},
		{name: "ssh-add: -S, a provider for a plain key", want: "exit-0 list[me@here]", play: func(p *play) {
			_, key := p.keyFile("-t", "ed25519")
			p.tool("ssh-add", "-S", "internal", key)
			p.list()
		}},
		{name: "ssh-keygen: -Y sign", want: "exit-0 exit-0 <nil> 2", play: func(p *play) {
			folder, key := p.keyFile("-t", "ed25519")
			p.tool("ssh-add", key)
			text := filepath.Join(folder, "text")
			p.file(text, "a text")
			os.Remove(key) // so that only the agent can sign
			p.tool("ssh-keygen", "-Y", "sign", "-n", "file", "-f", key+".pub", text)
			signature, err := os.ReadFile(text + ".sig")
			p.say("%v %d", err, strings.Count(string(signature), "SSH SIGNATURE"))
		}},
	}
}
