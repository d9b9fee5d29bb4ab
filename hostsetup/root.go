package hostsetup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/remote"
)

// promptLimit is how long a way to root may take to ask or to begin.
const promptLimit = 20 * time.Second

// A way leads from a login to root.
type way struct {
	name string // sudo, doas or su; "": the login is root's
	path string // where it is on the server, "" if it is not there
	tty  bool   // it wants a terminal
}

// ways are those of a server, in the order in which they are tried: su last, since it wants root's own password.
func ways(f *facts) []way {
	if f.uid == 0 {
		return []way{{}}
	}
	return []way{{"sudo", f.ways["sudo"], false}, {"doas", f.ways["doas"], true}, {"su", f.ways["su"], true}}
}

// command is the line that runs program as root. When the program runs, nonce stands on a line of its output, and all that
// comes behind it is the program's. begins(nonce) is said before the way itself can say anything.
func (w way) command(nonce, program string) string {
	run := "echo; echo " + nonce + "; exec " + program // after noise without a line end
	if w.tty {
		// Every byte must pass, so the terminal is made raw, and nobody else may talk on it. The output is a pipe, or sh would talk as to a person.
		run = "stty raw -echo && echo && echo " + nonce + " && exec 2>/dev/null && " + program + " | cat"
	}
	run = "sh -c " + remote.Quote(run)
	path := remote.Quote(w.path)
	switch w.name {
	case "":
		return run
	case "sudo":
		run = path + " -S -p '" + nonce + "-password-of-%p:' " + run
	case "su":
		run = path + " root -c " + remote.Quote(run) // whatever root's shell is, it has sh run it
	default:
		run = path + " " + run
	}
	return "sh -c " + remote.Quote("echo "+begins(nonce)+" >&2; LC_ALL=C; export LC_ALL; exec "+run)
}

func begins(nonce string) string { return nonce + "-begins" }

// question is what w asks for a password with; sudo says whose.
func (w way) question(nonce string) *regexp.Regexp {
	if w.name == "sudo" {
		return regexp.MustCompile(nonce + `-password-of-([^:\r\n]*):`)
	}
	return regexp.MustCompile(`(?:^|[\r\n])(?:doas \([^\r\n]*\) p|P)assword(?: for [^\r\n]*)?: ?$`)
}

// A refusal is why a way does not lead to root.
type refusal struct {
	why      string
	wrong    bool  // it asked for a password, and what it was given was not it
	terminal bool  // it may work where there is a terminal, or where there is none
	unasked  error // it asked for a password, and there is none to be had
}

func (e *refusal) Error() string { return e.why }

// root is the way from a login to root: the first one that works is kept.
type root struct {
	user, host string // the login is user@host
	ways       []way
	kept       bool // the first of ways works
	ask        func(ctx context.Context, q RootQuestion) ([]byte, error)
	known      map[string][]byte // by account: the password that worked, or is likely to
	asked      map[string]int    // by way and account: how often
	refused    error             // once there is no way, there is none
	shells     map[*conn]*process
}

// way is what leads to root, "" if that is not known: sudo, doas or su.
func (r *root) way() string {
	if r == nil || !r.kept {
		return ""
	}
	return r.ways[0].name
}

func (r *root) account() string { return r.user + "@" + r.host }

// do runs a verb as root on c, in the one shell that root has there: each new one costs the server the hash of a password. Errors: *[RootError],
// *[remote.Failure], [remote.ErrCutOff].
func (r *root) do(ctx context.Context, c *conn, v remote.Verb, args ...string) (*remote.Answer, error) {
	p, err := r.shell(ctx, c)
	if err != nil {
		return nil, err
	}
	a, err := p.turn(ctx, v, args...)
	if err != nil { // who knows what state it is in
		r.drop(c)
	}
	return a, err
}

// shell is the one that root has on c.
func (r *root) shell(ctx context.Context, c *conn) (*process, error) {
	if p := r.shells[c]; p != nil && p.ctx.Err() == nil {
		return p, nil
	}
	p, err := r.start(ctx, c, "sh -s")
	if err != nil {
		return nil, err
	}
	if r.shells == nil {
		r.shells = map[*conn]*process{}
	}
	r.shells[c] = p
	return p, nil
}

// drop ends it.
func (r *root) drop(c *conn) {
	if p := r.shells[c]; p != nil {
		p.close()
		delete(r.shells, c)
	}
}

// close ends root's shells, and forgets the passwords.
func (r *root) close() {
	for _, p := range r.shells {
		p.close()
	}
	for _, password := range r.known {
		clear(password)
	}
}

// start runs program as root and returns when it reads its input. Errors: *[RootError], the person's.
func (r *root) start(ctx context.Context, c *conn, program string) (*process, error) {
	if r.refused != nil {
		return nil, r.refused
	}
	var tried []string
	var unasked error
	failed := &RootError{Account: r.account()}
	for _, w := range r.ways {
		w, p, err := r.try(ctx, c, w, program)
		if err == nil {
			r.ways, r.kept = []way{w}, true
			return p, nil
		}
		var no *refusal
		if !errors.As(err, &no) {
			return nil, err
		}
		tried = append(tried, strings.TrimPrefix(w.name+": ", ": ")+no.why)
		failed.Wrong = failed.Wrong || no.wrong && w.name != "su" // nobody said that there is such a password
		unasked = cmp.Or(unasked, no.unasked)
	}
	failed.Why = strings.Join(tried, "; ")
	if unasked != nil && !failed.Wrong {
		return nil, unasked
	}
	return nil, failed
}

// try is one way: without a terminal and with one, and where it asks only once, again. It returns the way as it worked.
func (r *root) try(ctx context.Context, c *conn, w way, program string) (way, *process, error) {
	if w.name != "" && w.path == "" {
		return w, nil, &refusal{why: "not there"}
	}
	if w.name == "su" { // not even begun without a password: a failed su looks like an attack
		if err := r.learn(ctx, w, "root", nil); err != nil {
			return w, nil, noPassword(w, err, false)
		}
	}
	for turned, given := false, 1; ; {
		p, err := r.by(ctx, c, w, program)
		var no *refusal
		if !errors.As(err, &no) || r.kept {
			return w, p, err
		}
		switch {
		case no.terminal && !turned:
			w.tty, turned = !w.tty, true
		case no.wrong && w.name != "sudo" && given < 3: // sudo itself asks three times
			given++
			whose := r.whose(w, "")
			if other := noPassword(w, r.learn(ctx, w, whose, r.known[whose]), true); other != nil {
				if !errors.As(other, &no) {
					err = other // the person wants an end of it
				}
				return w, nil, err
			}
		default:
			return w, nil, err
		}
	}
}

// by runs program by way of w. A password is given only after w was seen to ask for one: without that it would go to the program.
func (r *root) by(ctx context.Context, c *conn, w way, program string) (*process, error) {
	nonce := "KG" + remote.Nonce()
	t := &talk{begins: begins(nonce), asks: w.question(nonce), asked: make(chan string, 8)}
	if w.name == "" {
		t = &talk{}
	}
	p, err := c.start(ctx, w.command(nonce, program), w.tty, t)
	if errors.Is(err, errNoTerminal) {
		return nil, &refusal{why: err.Error(), terminal: true}
	}
	if err != nil {
		return nil, err
	}
	if err := r.begin(ctx, p, w, nonce); err != nil {
		p.close()
		return nil, err
	}
	t.forget()
	return p, nil
}

// begin waits for the program to say that it runs, and answers w on the way.
func (r *root) begin(ctx context.Context, p *process, w way, nonce string) error {
	ready := make(chan error, 1)
	go func() {
		var heard io.Writer = io.Discard
		if w.tty {
			heard = p.talk // a terminal has one output for all
		}
		ready <- waitFor(p.out, nonce, heard)
	}()
	var last []byte // what w was given
	for {
		timer := time.NewTimer(promptLimit)
		select {
		case err := <-ready:
			timer.Stop()
			if err != nil {
				return r.ended(ctx, p, w, last != nil)
			}
			return nil
		case whose := <-p.talk.asked:
			timer.Stop()
			whose = r.whose(w, whose)
			if r.known[whose] == nil || last != nil {
				if err := r.learn(ctx, w, whose, last); err != nil {
					return noPassword(w, err, last != nil)
				}
			}
			last = bytes.Clone(r.known[whose])
			p.talk.hide(last)
			if _, err := p.in.Write(append(bytes.Clone(last), '\n')); err != nil {
				return fmt.Errorf("answering %s: %w", w.name, err)
			}
		case <-timer.C:
			return &refusal{why: "it neither asked for a password nor began: " + p.talk.text()}
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// whose is the account whose password is asked for. sudo says it: with rootpw or targetpw (sudoers(5)) it is not the login's.
func (r *root) whose(w way, said string) string {
	switch {
	case w.name == "su":
		return "root"
	case said == "" || said == "%p": // doas; or a sudo that does not know this
		return r.user
	}
	return said
}

// learn asks for a password that is not the one that was just refused.
func (r *root) learn(ctx context.Context, w way, whose string, refused []byte) error {
	for refused != nil || r.known[whose] == nil {
		what := w.name + " " + whose
		r.asked[what]++
		password, err := r.ask(ctx, RootQuestion{Way: w.name, Account: whose + "@" + r.host, Own: whose == r.user, Attempt: r.asked[what]})
		if err != nil {
			return err
		}
		r.known[whose] = password
		if !bytes.Equal(password, refused) {
			return nil
		}
	}
	return nil
}

// noPassword turns the person's answer into a reason, where it is one. A way that has refused a password before had the wrong one.
func noPassword(w way, err error, refused bool) error {
	switch {
	case errors.Is(err, ErrNoPassword) && !refused && w.name == "su":
		return &refusal{why: "no password for it"}
	case errors.Is(err, ErrNoPassword) && !refused: // it may well work, with an answer
		return &refusal{why: "no password for it", unasked: err}
	case errors.Is(err, ErrNoPassword), errors.Is(err, ErrWrongPassword):
		return &refusal{why: "the password was not it", wrong: true}
	}
	return err
}

// ended: w has ended without running the program; given tells whether it had a password.
func (r *root) ended(ctx context.Context, p *process, w way, given bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ended := make(chan error, 1)
	go func() { ended <- p.session.Wait() }() // stderr is whole then; the exit status says nothing that it does not
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	select {
	case err := <-ended:
		if lost := (*ssh.ExitMissingError)(nil); errors.As(err, &lost) { // it was not w that ended, it was the link
			return &UnreachableError{Address: p.conn.dialer.target.endpoint(), Err: err}
		}
	case <-timer.C: // it goes on talking
		p.end()
	case <-ctx.Done():
		return ctx.Err()
	}
	no := w.words(r.user, p.talk.lines())
	if no.wrong && !given {
		return &refusal{why: "it asks for a password on a terminal only, and there is none"}
	}
	return no
}

// words says in a few words why w ended. What it says itself is English, since LC_ALL is C.
func (w way) words(user string, lines []string) *refusal {
	text := strings.Join(lines, "\n")
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("must have a tty", "must be run from a terminal", "a tty is required", "a terminal is required"):
		return &refusal{why: "it wants a terminal", terminal: !w.tty}
	case has("not in the sudoers file"):
		return &refusal{why: user + " is not in the sudoers file"}
	case has("is not allowed to execute", "may not run"):
		return &refusal{why: user + " may run only some commands by it"}
	case w.name == "doas" && has("Operation not permitted", "is not enabled"), has("I'm afraid I can't do that"): // sudo-rs
		return &refusal{why: "it does not permit " + user}
	case w.name == "su" && has("Authentication failure", "incorrect password"):
		return &refusal{why: "the password was not root's, or root is locked", wrong: true}
	case has("incorrect password attempt", "Authentication failed", "Authentication failure"):
		return &refusal{why: "the password was not it", wrong: true}
	case len(lines) == 0:
		return &refusal{why: "it ended without a word"}
	}
	last := []rune(strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), w.name+": "))
	return &refusal{why: string(last[:min(len(last), 120)])}
}
