//go:build unix

package prompt

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// askBy starts an asker that has no terminal, as the agent has none that a service
// manager started, and a pinentry that is told one by GPG_TTY.
func askBy(t *testing.T, pinentry, what string) *screen {
	t.Helper()
	if _, err := exec.LookPath(pinentry); err != nil {
		t.Fatal("needs the Debian package ", pinentry)
	}
	s := newScreen(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm", "GORACE=atexit_sleep_ms=0",
		"PROMPT_TEST_ASK=" + what, "PROMPT_TEST_PINENTRY=" + pinentry, "GPG_TTY=" + s.slave.Name(),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.run(cmd)
	return s
}

func TestPinentry(t *testing.T) {
	tests := []struct {
		name, pinentry, what string
		shown, typed         string
		want, secret         string
	}{
		{"passphrase", "pinentry-tty", "again", "Passphrase 100%", "hunt%25er\r", `"hunt%25er" <nil>`, "hunt"},
		{"what was wrong", "pinentry-tty", "again", "not that", "x\r", `"x" <nil>`, "31m "},
		{"cancelled", "pinentry-tty", "again", "Passphrase", "\x04", `"" ` + ErrNoAnswer.Error(), "hunt"},
		{"empty", "pinentry-tty", "again", "Passphrase", "\r", `"" ` + ErrEmpty.Error(), "hunt"},
		{"yes", "pinentry-tty", "confirm", "Sure?", "y\r", `"%!s(bool=true)" <nil>`, "hunt"},
		{"no", "pinentry-tty", "confirm", "Sure?", "n\r", `"%!s(bool=false)" <nil>`, "hunt"},
		{"approve", "pinentry-tty", "approve", "Allow it until Monday?", "y\r", `"{true 0s true}" <nil>`, "10m"},
		{"approve not", "pinentry-tty", "approve", "Allow it until Monday?", "n\r", `"{false 0s false}" <nil>`, "10m"},
		{"passphrase", "pinentry-curses", "again", "A key is wanted.", "hunt%25er\r", `"hunt%25er" <nil>`, "hunt"},
		{"what was wrong", "pinentry-curses", "again", "not that", "x\r", `"x" <nil>`, "hunt"},
		{"cancelled", "pinentry-curses", "again", "<Cancel>", "\t\t\r", `"" ` + ErrNoAnswer.Error(), "hunt"},
		{"yes", "pinentry-curses", "confirm", "Sure?", "\r", `"%!s(bool=true)" <nil>`, "hunt"},
		{"no", "pinentry-curses", "confirm", "Sure?", "\t\r", `"%!s(bool=false)" <nil>`, "hunt"},
	}
	for _, tt := range tests {
		t.Run(tt.pinentry+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := askBy(t, tt.pinentry, tt.what)
			go s.watch()
			s.await(tt.shown).typed(tt.typed)
			if got := s.outcome(); got != tt.want {
				t.Errorf("outcome %s, want %s", got, tt.want)
			}
			if strings.Contains(s.text(), tt.secret) {
				t.Errorf("the screen %q shows %q", s.text(), tt.secret)
			}
		})
	}
}

// TestPinentryEndsWithContext: a question that nobody waits for is taken away, and
// the terminal is as it was.
func TestPinentryEndsWithContext(t *testing.T) {
	for _, pinentry := range []string{"pinentry-tty", "pinentry-curses"} {
		t.Run(pinentry, func(t *testing.T) {
			t.Parallel()
			s := askBy(t, pinentry, "again")
			go s.watch()
			s.await("wanted").typed("hun")
			s.stdin.Close()
			if got, want := s.outcome(), `"" `+context.Canceled.Error(); got != want {
				t.Errorf("outcome %s, want %s", got, want)
			}
		})
	}
}

// TestPinentryHangUp: the terminal goes away below the question. pinentry-curses
// would read from it for ever.
func TestPinentryHangUp(t *testing.T) {
	for _, pinentry := range []string{"pinentry-tty", "pinentry-curses"} {
		t.Run(pinentry, func(t *testing.T) {
			t.Parallel()
			askBy(t, pinentry, "again").hangUpAt("wanted")
		})
	}
}

// TestPinentryWhen: it needs a place where it can show something, and comes last.
func TestPinentryWhen(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	window := script(t, `echo OK; while read -r line; do case $line in GETPIN) printf 'D by pinentry\nOK\n' ;; *) echo OK ;; esac; done`)
	askpass := script(t, "echo by askpass")
	tests := []struct {
		name, program string
		env           map[string]string
		want          string // "": cannot ask
	}{
		{"nothing to show it on", window, nil, ""},
		{"X11", window, map[string]string{"DISPLAY": ":0", "SSH_ASKPASS": "/none"}, "by pinentry"},
		{"Wayland", window, map[string]string{"WAYLAND_DISPLAY": "w", "SSH_ASKPASS": "/none"}, "by pinentry"},
		{"terminal", window, map[string]string{"GPG_TTY": slave.Name()}, "by pinentry"},
		{"terminal that is none", window, map[string]string{"GPG_TTY": "/dev/null"}, ""},
		{"terminal that is gone", window, map[string]string{"GPG_TTY": "/dev/pts/none"}, ""},
		{"windows, and a program for text", "pinentry-tty", map[string]string{"DISPLAY": ":0", "SSH_ASKPASS": "/none"}, ""},
		{"askpass first", window, map[string]string{"DISPLAY": ":0", "SSH_ASKPASS": askpass}, "by askpass"},
		{"ssh would not fall back", window, map[string]string{"DISPLAY": ":0", "SSH_ASKPASS": "/none", "SSH_ASKPASS_REQUIRE": "force"}, ""},
		{"no such program", "/none", map[string]string{"DISPLAY": ":0", "SSH_ASKPASS": "/none"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := prompter(tt.env)
			p.UsePinentry(func() string { return tt.program })
			got, err := p.Secret(t.Context(), "Passphrase: ")
			if string(got) != tt.want || (tt.want == "") != errors.Is(err, ErrCannotAsk) || p.CanAsk() != (tt.want != "") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestPinentryStrange: what a program may answer that is none, or a bad one.
func TestPinentryStrange(t *testing.T) {
	long := strings.Repeat("x", 900)
	tests := []struct {
		name, body, want string
		err              error // nil with want "": any
	}{
		{"several lines of data", `printf 'OK\n%s' '' ; read -r a; echo OK; while read -r a; do case $a in GETPIN) printf 'D a%%25\nS x\n# y\nD b%%0a\nOK\n' ;; *) echo OK ;; esac; done`, "a%b\n", nil},
		{"ends at once", `exit 0`, "", ErrNoAnswer},
		{"cannot show anything", `echo OK; while read -r a; do case $a in GETPIN) printf 'ERR 83918950 no\033[31m tty\n' ;; *) echo OK ;; esac; done`, "", ErrCannotAsk},
		{"a line without end", `head -c 5000 /dev/zero | tr '\0' x; sleep 60`, "", nil},
		{"asks back", `echo OK; while read -r a; do case $a in GETPIN) echo INQUIRE QUALITY x ;; *) echo OK ;; esac; done`, "", nil},
		{"half an escape", `echo OK; while read -r a; do case $a in GETPIN) printf 'D a%%2\nOK\n' ;; *) echo OK ;; esac; done`, "", nil},
		{"too much", `echo OK; while read -r a; do case $a in GETPIN) for i in 1 2 3 4 5; do echo D ` + long + `; done; echo OK ;; *) echo OK ;; esac; done`, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := prompter(map[string]string{"WAYLAND_DISPLAY": "w", "SSH_ASKPASS": "/none"})
			program := script(t, tt.body)
			p.UsePinentry(func() string { return program })
			got, err := p.Secret(t.Context(), "Passphrase: ")
			if string(got) != tt.want || (tt.want == "") != (err != nil) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestPinentryTooLong: what does not fit into a line gives way to the question itself, which is then for once; and whatever fits there a dialog shows whole.
func TestPinentryTooLong(t *testing.T) {
	program := script(t, `echo OK; while read -r a; do case $a in SETDESC*) echo "$a" >"$0.asked" ;; esac; echo OK; done`)
	for _, tt := range []struct {
		about, end string
		want       Consent
	}{
		{strings.Repeat("x", 900), "x%0AAllow it until Monday?\n", Consent{Yes: true, UntilLocked: true}},
		{strings.Repeat("\u00e9", 900), "\u00e9...%0AAllow it?\n", once},
		{strings.Repeat("%", 400), "%25...%0AAllow it?\n", once},
	} {
		p := prompter(map[string]string{"WAYLAND_DISPLAY": "w", "SSH_ASKPASS": "/none"})
		p.UsePinentry(func() string { return program })
		a := Approval{About: tt.about, Ask: "Allow it?", AskPlain: "Allow it until Monday?", Plain: Consent{Yes: true, UntilLocked: true}}
		got, err := p.Approve(t.Context(), a)
		text, _ := os.ReadFile(program + ".asked")
		if got != tt.want || err != nil || !strings.HasSuffix(string(text), tt.end) || len(text) > maxAssuan+1 {
			t.Errorf("%.9s: %+v, %v: %s", tt.about, got, err, text)
		}
	}
	for _, letter := range []string{"x", "\u1100", "\U0001f511"} {
		if text := strings.Repeat(letter, maxAssuan/len(letter)) + "\n\n"; lines(text, boxWidth-2*boxMargin) >= maxLines {
			t.Errorf("%q: a dialog does not show it whole", letter)
		}
	}
}

// TestHeadAndTail: as many bytes as a pinentry is sent.
func TestHeadAndTail(t *testing.T) {
	for _, letter := range []string{"x", "\u00e9", "\u1100", "\U0001f511", "<", "&", "%", "x<"} {
		text := Clean(strings.Repeat(letter, 100))
		for _, cut := range []string{Head(text, 20), Tail(text, 20)} {
			if n := len(escapeAssuan(unmarked(cut), 1000)); n > 23 || n < 20 || !strings.Contains(text, strings.Trim(cut, ".")) {
				t.Errorf("%q: %q, %d bytes", letter, cut, n)
			}
		}
		if Head(text[:len(letter)], 4) != letter || Tail(text[:len(letter)], 4) != letter {
			t.Errorf("%q is cut", letter)
		}
	}
	if h, e := Head("", 0), Tail("", 0); h+e != "" {
		t.Errorf("%q, %q", h, e)
	}
}

func TestAssuanEscapes(t *testing.T) {
	for in, want := range map[string]string{"50% of\r\nit": "50%25 of%0D%0Ait", "éé": "é", "123%": "123"} {
		limit := 100
		if want == "é" || want == "123" {
			limit = 3
		}
		if got := escapeAssuan(in, limit); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string][2]string{
		"git wants it. Its passphrase: ":    {"git wants it.", "Its passphrase:"},
		"passphrase to unlock laptop: ":     {"", "passphrase to unlock laptop:"},
		"x. " + strings.Repeat("long ", 20): {"x. " + strings.TrimSpace(strings.Repeat("long ", 20)), "Answer:"},
	} {
		if a, b := splitQuestion(in); a != want[0] || b != want[1] {
			t.Errorf("%q: %q, %q", in, a, b)
		}
	}
}
