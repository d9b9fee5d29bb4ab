// Package hostsetup takes a server from "somebody can log in" to "only keys open it", and back.
//
// It promises, in this order: no door is closed before another is proved open; whatever breaks, at whatever step, who could log in
// before still can; nobody else loses a login by it unless the person says so; and what it reports was seen, on a new connection,
// after the change. The change arms a switch on the server first, which undoes it unless it is confirmed by a login that the change
// left possible.
//
// It takes a private key only as an ssh.Signer, knows no vault, prints nothing, and asks people through [Person]. The server's
// half is in hostsetup/remote.
package hostsetup

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
)

// A Person decides what a program must not decide by itself. Each method may block until ctx ends; its error ends the run
// and is returned wrapped.
type Person interface {
	// AcceptHostKey is asked on first contact. A nil error means that the key is this server's.
	AcceptHostKey(ctx context.Context, known string, key ssh.PublicKey) error
	// Password is the account's password on the server; attempt counts from 1.
	Password(ctx context.Context, account string, attempt int) ([]byte, error)
	// RootPassword is asked where a way to root wants a password, and the login's, if there was one, is not it. Two errors do not end
	// the run, since another way may work: [ErrNoPassword] and [ErrWrongPassword].
	RootPassword(ctx context.Context, q RootQuestion) ([]byte, error)
	// Approve is shown all that will be changed, before anything is.
	Approve(ctx context.Context, p Plan) error
}

// A RootQuestion is a password that stands between a login and root.
type RootQuestion struct {
	Way     string // sudo, doas or su
	Account string // whose password it is
	Own     bool   // that is the login's account; su wants root's, and so does a sudo with rootpw or targetpw
	Attempt int    // counts from 1
}

// The least and the most that a person may ask for as Options.UndoAfter, which is the caller's to check; the default leaves time for a slow link and a person.
const (
	MinUndoAfter     = 10 * time.Second
	DefaultUndoAfter = 2 * time.Minute
	MaxUndoAfter     = 10 * time.Minute
)

// Options says which server, with which key, and how.
type Options struct {
	Target  Target
	Key     ssh.Signer // this client's identity
	KeyName string     // its name in the vault, for the book
	Comment string     // its comment on the server: the client's name
	// Logins are other identities that may already open the server: -i, the agent's. They are tried before a password.
	Logins    []ssh.Signer
	HostKeys  HostKeyPolicy
	Person    Person
	Book      book.Book
	NoEnforce bool // install and prove the key only
	DryRun    bool // change nothing
	// CreateUser is the account that is made, unless it is there, and that the key is for: the login is another's then, root's as a rule.
	CreateUser string
	// NoRoot shuts root out of sshd altogether (PermitRootLogin no), once another account was seen to log in and become root.
	NoRoot bool
	// OthersLose: go on although other people lose their login with it.
	OthersLose bool
	// UndoAfter is when the server goes back by itself unless the change is confirmed, in whole seconds; 0: DefaultUndoAfter.
	UndoAfter time.Duration
	Steps     func(Step) // called as each step ends; may be nil
	// Words is what a failed step says of its error; nil: the error's own.
	Words func(error) string
	// Silent is called, at any time and from anywhere, when nothing has come for 10 s from a server that is being changed: back is when it goes back by itself unless
	// the change is confirmed, zero where nothing is to go back. May be nil.
	Silent func(back time.Time)
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: no log
}

// A Step is one thing that was done, or could not be done.
type Step struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A Verdict is the end of a run.
type Verdict string

// The verdicts of [Add], [Admit] and [Undo].
const (
	KeyOnly   Verdict = "key-only"  // changed, and proved
	Installed Verdict = "installed" // the key opens the server; passwords still do too
	Undone    Verdict = "undone"    // the server is as it was: something failed, or it was asked for
	Unchanged Verdict = "unchanged" // it was already so, or this was a dry run
	Failed    Verdict = "failed"    // something failed before anything was changed
)

// A Result tells how a run ended.
type Result struct {
	Verdict Verdict
	// KeyOnly tells that, at the end, neither the user nor root is offered anything that is typed.
	KeyOnly bool
	// Typed: where passwords were left as they are, something typed was offered to the user.
	Typed bool
	// Offered is what the user was offered at the end.
	Offered []string
	Plan    Plan
	Steps   []Step
	// Proved are the fingerprints of the keys that were seen to open it, by this client or in the server's log, where the book was written.
	Proved []string
	// Unasked: [Admit] could not ask whether the key is taken, since this server says yes to every one.
	Unasked bool
	// Connections and Commands are what it took: TCP connections, and commands run on the server.
	Connections, Commands int
}

func (o *Options) fill() {
	if o.UndoAfter == 0 {
		o.UndoAfter = DefaultUndoAfter
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Steps == nil {
		o.Steps = func(Step) {}
	}
	if o.Words == nil {
		o.Words = error.Error
	}
	if o.Silent == nil {
		o.Silent = func(time.Time) {}
	}
}
