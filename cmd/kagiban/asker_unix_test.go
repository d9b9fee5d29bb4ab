//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/agent"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/scripts/ground"
)

// askBy is an asker whose askpass program is a script.
func askBy(t *testing.T, script string) *asker {
	t.Helper()
	path := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SSH_ASKPASS": path, "SSH_ASKPASS_REQUIRE": "force"}
	return newAsker(prompt.New(func(name string) string { return env[name] }), nil, nil)
}

// TestAskerQuestion: what the person is told, with nothing in it that could move
// a cursor.
func TestAskerQuestion(t *testing.T) {
	a := askBy(t, `printf '%s' "$1" | tr '\n' '|'`)
	got, err := a.AskPassphrase(t.Context(), agent.Prompt{
		Key: "laptop", Fingerprint: "SHA256:x", Peer: agent.Peer{Program: "/tmp/\x1b[2Jgit\u202e", PID: 7}, Attempt: 1,
	})
	if want := "sign something that is neither a login nor a file|with key laptop, for /tmp/git|Its passphrase: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	got, err = a.AskPassphrase(t.Context(), agent.Prompt{Key: "laptop", Attempt: 2, Peer: agent.Peer{PID: 7}})
	if want := "sign something that is neither a login nor a file|with key laptop, for process 7|That was not its passphrase. Once more: "; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestAskerConfirm: what a yes is asked for, by what the key is wanted for and by whom.
func TestAskerConfirm(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	a := askBy(t, `echo "$SSH_ASKPASS_PROMPT: $1" >`+asked)
	const who = "\nwith key laptop, for /usr/bin/ssh"
	long := strings.Repeat("x", 500)
	login := agent.Use{Purpose: agent.UseLogin, User: "me", Server: "vps1 (vps1.example.com)", HostKey: "SHA256:h"}
	tests := []struct {
		use    agent.Use
		origin agent.Origin
		want   string
	}{
		{login, agent.Origin{}, `log in to vps1 (vps1.example.com) as "me"` + who},
		{agent.Use{Purpose: agent.UseLogin, User: "me", HostKey: "SHA256:h"}, agent.Origin{}, `log in as "me" to the server with host key SHA256:h, whose name is not known` + who},
		{agent.Use{Purpose: agent.UseLogin, User: "me"}, agent.Origin{}, `log in as "me" to a server that it does not name` + who},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, agent.Origin{}, `sign for git` + who},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, agent.Origin{Repository: "/home/me/\x1b[2Jwork", Parents: "/usr/bin/git\n/bin/bash"}, `sign for git in /home/me/work` + who + " started by git, bash"},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, agent.Origin{Repository: "/" + long + "/work"}, `sign for git in ...` + long[:95] + "/work" + who},
		{agent.Use{Purpose: agent.UseFile, Namespace: "file"}, agent.Origin{Repository: "/home/me"}, `sign a file, for "file"` + who},
		{agent.Use{Purpose: agent.UseLogin, User: `me" to vps2, not "`, Server: "vps1"}, agent.Origin{Parents: "/x/a, b\n/x/c\" d"}, `log in to vps1 as "me' to vps2, not '"` + who + ` started by "a, b", "c' d"`},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, agent.Origin{Repository: "/home/me/my work"}, `sign for git in "/home/me/my work"` + who},
		{agent.Use{Purpose: agent.UseOther}, agent.Origin{}, `sign something that is neither a login nor a file` + who},
		{agent.Use{Purpose: agent.UseFile, Namespace: "\x1b[2Kgit\u202e\n" + long}, agent.Origin{}, `sign a file, for "git ` + long[:96] + `..."` + who},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git\u201d\uff02 in"}, agent.Origin{Parents: "/x/a\u00a0b\n/x/c\u2800\n/x/\u3164\n/x/d\uff0ce\n/x/f\u201dg"},
			"sign a file, for \"git'' in\"" + who + " started by \"a\u00a0b\", \"c\u2800\", \"\u3164\", \"d\uff0ce\", ..."},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, agent.Origin{Repository: "/home/me/w\u2003as\u115fb\u201d"}, "sign for git in \"/home/me/w\u2003as\u115fb'\"" + who},
		{login, agent.Origin{Parents: "/usr/bin/git\n/bin/sh\n/bin/sh\n/x/\x1b]0;root\x07b\n/" + long + "\n/5\n/6"}, `log in to vps1 (vps1.example.com) as "me"` + who + " started by git, sh, b, " + long[:24] + "..., ..."},
		{
			agent.Use{Purpose: agent.UseLogin, User: "root", Server: "vps3", Forwarded: true, Via: "vps1, then SHA256:h"}, agent.Origin{Parents: "/bin/bash"},
			"log in to vps3 as \"root\"\nwith key laptop, for another computer through vps1, then SHA256:h, by /usr/bin/ssh started by bash",
		},
		{agent.Use{Purpose: agent.UseFile, Namespace: "git", Socket: "box"}, agent.Origin{Parents: "/bin/bash"}, "sign for git\nwith key laptop, for the narrower socket box, by /usr/bin/ssh started by bash"},
		{agent.Use{Purpose: agent.UseOther, Forwarded: true}, agent.Origin{}, "sign something that is neither a login nor a file\nwith key laptop, for another computer that is not known, by /usr/bin/ssh"},
	}
	for _, tt := range tests {
		q := agent.Prompt{Key: "laptop", Fingerprint: "SHA256:x", Peer: agent.Peer{Program: "/usr/bin/ssh", PID: 7}, Use: tt.use, Origin: tt.origin, Holds: true}
		yes, err := a.Confirm(t.Context(), q)
		text, _ := os.ReadFile(asked)
		if want := "confirm: " + tt.want + "\nAllow it? (y/N) \n"; yes != (agent.Consent{Yes: true}) || err != nil || string(text) != want {
			t.Errorf("%v, %v: %q, want %q", yes, err, text, want)
		}
	}
	if _, err := a.AskPassphrase(t.Context(), agent.Prompt{Comment: "me@here", Fingerprint: "SHA256:x", PIN: true, Attempt: 1}); !errors.Is(err, prompt.ErrEmpty) {
		t.Errorf("an empty PIN: %v", err)
	}
	if text, _ := os.ReadFile(asked); string(text) != ": sign something that is neither a login nor a file\nwith key \"me@here\" (SHA256:x), for a program that is not known\nThe PIN of its device: \n" {
		t.Errorf("PIN: %q", text)
	}
}

// TestAskerApprove: where the person can say only yes, the config says for how long, and so does the question.
func TestAskerApprove(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	a := askBy(t, `echo "$1" | tail -n 1 >`+asked)
	for _, tt := range []struct {
		config home.Approval
		holds  bool
		want   agent.Consent
		text   string
	}{
		{home.Approval{}, true, agent.Consent{Yes: true}, "Allow it?"},
		{home.Approval{For: 10 * time.Minute}, true, agent.Consent{Yes: true, For: 10 * time.Minute}, "Allow it, and the same for 10 minutes?"},
		{home.Approval{For: 90 * time.Minute}, true, agent.Consent{Yes: true, For: 90 * time.Minute}, "Allow it, and the same for 90 minutes?"},
		{home.Approval{For: time.Hour}, true, agent.Consent{Yes: true, For: time.Hour}, "Allow it, and the same for 1 hour?"},
		{home.Approval{UntilLocked: true}, true, agent.Consent{Yes: true, UntilLocked: true}, "Allow it, and the same until laptop is locked?"},
		{home.Approval{UntilLocked: true}, false, agent.Consent{Yes: true}, "Allow it?"},
	} {
		a.approve = func() home.Approval { return tt.config }
		yes, err := a.Confirm(t.Context(), agent.Prompt{Key: "laptop", Holds: tt.holds})
		text, _ := os.ReadFile(asked)
		if yes != tt.want || err != nil || string(text) != tt.text+" (y/N) \n" {
			t.Errorf("%+v: %+v, %v: %q, want %q", tt.config, yes, err, text, tt.text)
		}
	}
	q := questionOf(a.approval(agent.Prompt{Key: "laptop", Holds: true}))
	if !strings.HasSuffix(q.Text, "\nAllow it? ") || q.Answers != "(y: once, 10m: for so long, lock: until it is locked, N)" {
		t.Errorf("a terminal that is attached is asked %+v", q)
	}
	if q := questionOf(a.approval(agent.Prompt{Key: "laptop"})); !strings.HasSuffix(q.Text, "\nAllow it? ") || q.Answers != "" {
		t.Errorf("a terminal that is attached is asked %+v", q)
	}
}

// TestAskerNothingIsPushedOut: what it is for, by whose socket or from where, and for how long a yes holds are in the one line that a pinentry takes, whatever
// others are called.
func TestAskerNothingIsPushedOut(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	pinentry := filepath.Join(t.TempDir(), "pinentry")
	script := "#!/bin/sh\necho OK; while read -r line; do case $line in SETDESC*) echo \"$line\" >" + asked + " ;; esac; echo OK; done\n"
	if err := os.WriteFile(pinentry, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"WAYLAND_DISPLAY": "w", "SSH_ASKPASS": "/none"}
	p := prompt.NewAskpass(func(name string) string { return env[name] })
	p.UsePinentry(func() string { return pinentry })
	lock := home.Approval{UntilLocked: true}
	a := newAsker(p, nil, func() home.Approval { return lock })
	const whose = "%0Awith key \""
	name := strings.Repeat("n", 64)
	for _, letter := range []string{"x", "\U0001f511", "%", "<", "&", "\u201d", " "} {
		long := letter + strings.Repeat(letter, 4000) + letter
		for _, tt := range []struct {
			use  agent.Use
			want []string
		}{
			{agent.Use{Purpose: agent.UseLogin, User: long, Server: long, HostKey: "SHA256:h", Forwarded: true, Via: long}, []string{"log in to ", whose, "), for another computer through "}},
			{agent.Use{Purpose: agent.UseLogin, User: long, HostKey: "SHA256:" + strings.Repeat("h", 43), Forwarded: true, Via: long},
				[]string{"log in as ", " to the server with host key SHA256:hh", ", whose name is not known" + whose, "), for another computer through "}},
			{agent.Use{Purpose: agent.UseFile, Namespace: long, Socket: name}, []string{"sign a file, for ", whose, "), for the narrower socket " + name + ", by "}},
			{agent.Use{Purpose: agent.UseFile, Namespace: "git"}, []string{"sign for git in ", whose, "), for "}},
		} {
			q := agent.Prompt{
				Comment: "c" + long + "c", Fingerprint: "SHA256:" + strings.Repeat("f", 43), Peer: agent.Peer{Program: "/" + long + "/p"}, Use: tt.use, Holds: tt.use.Socket == "",
				Origin: agent.Origin{Repository: "/" + long + "/r", Parents: strings.Join([]string{long + "1", "a" + long, "b" + long, "c" + long, "d" + long}, "\n")},
			}
			yes, err := a.Confirm(t.Context(), q)
			want, end := agent.Consent{Yes: true, UntilLocked: q.Holds}, "%0AAllow it?\n"
			if q.Holds {
				end = ") is locked?\n"
			}
			text, _ := os.ReadFile(asked)
			rest := "SETDESC " + strings.TrimPrefix(string(text), "SETDESC ")
			for _, piece := range append([]string{"SETDESC "}, tt.want...) {
				_, after, found := strings.Cut(rest, piece)
				if !found {
					t.Errorf("%.4q: the question has no %q: %s", letter, piece, text)
				}
				rest = after
			}
			if yes != want || err != nil || !strings.HasSuffix(rest, end) || len(text) > 1001 {
				t.Errorf("%.4q: %+v, %v; %d bytes: %s", letter, yes, err, len(text), text)
			}
		}
	}
}

// TestAskerEnds: the agent learns whether a person took the question away, or
// nobody was there.
func TestAskerEnds(t *testing.T) {
	a := askBy(t, "exit 1")
	if _, err := a.AskPassphrase(t.Context(), agent.Prompt{}); !errors.Is(err, agent.ErrCancelled) {
		t.Errorf("cancelled: %v", err)
	}
	if yes, err := a.Confirm(t.Context(), agent.Prompt{}); yes.Yes || err != nil {
		t.Errorf("no: %v, %v", yes, err)
	}
	env := map[string]string{"SSH_ASKPASS_REQUIRE": "force", "SSH_ASKPASS": "/none"}
	nobody := newAsker(prompt.New(func(name string) string { return env[name] }), nil, nil)
	if _, err := nobody.AskPassphrase(t.Context(), agent.Prompt{}); nobody.CanAsk() || !errors.Is(err, agent.ErrCannotAsk) {
		t.Errorf("nobody: %v", err)
	}
	if yes, err := nobody.Confirm(t.Context(), agent.Prompt{}); yes.Yes || !errors.Is(err, agent.ErrCannotAsk) {
		t.Errorf("nobody: %v, %v", yes, err)
	}
	nobody.Notify(t.Context(), agent.Prompt{}) // and returns
}

// TestAskerNotify: a program shows that a device waits, for as long as it does,
// while a question may be asked beside it.
func TestAskerNotify(t *testing.T) {
	shown := filepath.Join(t.TempDir(), "shown")
	a := askBy(t, `[ "$SSH_ASKPASS_PROMPT" = none ] || { echo secret; exit; }; echo "$1" >`+shown+`.new; mv `+shown+`.new `+shown+`; exec sleep 600`)
	ctx, touched := context.WithCancel(t.Context())
	hidden := make(chan struct{})
	go func() {
		defer close(hidden)
		a.Notify(ctx, agent.Prompt{Key: "yubi", Use: agent.Use{Purpose: agent.UseFile, Namespace: "git"}})
	}()
	var text []byte
	ground.Until(t, "it is shown", func() (is bool) {
		var err error
		text, err = os.ReadFile(shown)
		return err == nil
	})
	if want := "touch your security key to sign for git, with key yubi, for a program that is not known\n"; string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
	if got, err := a.AskPassphrase(t.Context(), agent.Prompt{PIN: true}); string(got) != "secret" || err != nil {
		t.Errorf("the PIN beside it: %q, %v", got, err)
	}
	touched()
	<-hidden
}

// TestQuestionEnd: a terminal that went away is nobody there: the next request may
// ask again at once. A person who closed the question is not.
func TestQuestionEnd(t *testing.T) {
	for end, want := range map[error]error{
		prompt.ErrHungUp: agent.ErrCannotAsk, prompt.ErrCannotAsk: agent.ErrCannotAsk,
		prompt.ErrNoAnswer: agent.ErrCancelled, prompt.ErrInterrupted: agent.ErrCancelled,
	} {
		err := questionEnd(end)
		if !errors.Is(err, want) || errors.Is(err, agent.ErrCannotAsk) == errors.Is(err, agent.ErrCancelled) {
			t.Errorf("%v becomes %v", end, err)
		}
	}
}
