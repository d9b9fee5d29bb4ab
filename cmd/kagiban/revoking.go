package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

// revokesAtOnce is on how many hosts a key is revoked at the same time.
const revokesAtOnce = 16

// revoking is one call of revoke.
type revoking struct {
	*visits
	asked                   string // as the person called the key
	endSessions, othersLose bool
	pages                   []book.Host
	owed                    []book.Owed

	key    ssh.PublicKey
	client string
	board  *board
	sole   []bool // by page: one key is left for it

	mu     sync.Mutex
	memory map[string]*remembering // by host
}

func (r *revoking) names() []string {
	names := make([]string, len(r.pages))
	for i, page := range r.pages {
		names[i] = page.Name
	}
	return names
}

// options are a login's to one host, with what was typed for an earlier one to the same.
func (r *revoking) options(ctx context.Context, page book.Host) (hostsetup.Options, error) {
	o, err := r.to(ctx, page)
	if err != nil {
		return o, err
	}
	o.OthersLose = r.othersLose
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.memory[page.Name]
	if m == nil {
		m = &remembering{known: map[hostsetup.RootQuestion][]byte{}}
		r.memory[page.Name] = m
	}
	m.Person = o.Person
	o.Person = m
	return o, nil
}

func (r *revoking) forget() {
	for _, m := range r.memory {
		for _, password := range m.known {
			clear(password)
		}
	}
}

// remembering answers a question for root's password as it was answered before, once.
type remembering struct {
	hostsetup.Person
	known map[hostsetup.RootQuestion][]byte
}

// RootPassword asks the person, unless the person was asked the very same by an earlier login.
func (m *remembering) RootPassword(ctx context.Context, q hostsetup.RootQuestion) ([]byte, error) {
	if answer := m.known[q]; answer != nil {
		return bytes.Clone(answer), nil
	}
	answer, err := m.Person.RootPassword(ctx, q)
	if err == nil {
		m.known[q] = bytes.Clone(answer)
	}
	return answer, err
}

// all revokes on every host, and remembers those that could not be reached.
func (r *revoking) all(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.board = newBoard(r.p, r.names(), false)
	r.floor.board, r.floor.many, r.floor.stop = r.board, len(r.pages) > 1, stop
	r.sole = make([]bool, len(r.pages))
	end := r.board.live(ctx)
	codes := several(ctx, r.names(), revokesAtOnce, func(i int, _ string) int {
		r.board.begin(i)
		code := r.one(ctx, i)
		return code
	})
	end()
	var sole []string
	for i, only := range r.sole {
		if only {
			sole = append(sole, r.pages[i].Name)
		}
	}
	r.p.saySole(sole)
	if len(codes) < len(r.pages) {
		return ctx.Err()
	}
	return r.p.endOfSeveral(codes)
}

// one is one host, and what becomes of the key there.
func (r *revoking) one(ctx context.Context, i int) int {
	page := r.pages[i]
	lost, owed := r.due(page)
	leave, err := r.enter(ctx, page)
	if err != nil {
		return r.failed(ctx, i, err)
	}
	defer leave()
	o, err := r.options(ctx, page)
	var found hostsetup.Revocation
	if err == nil {
		o.Steps = func(s hostsetup.Step) { r.board.step(i, s) }
		found, err = hostsetup.Revoke(ctx, hostsetup.RevokeOptions{Options: o, Lost: lost, EndSessions: r.endSessions, Approve: func(ctx context.Context, plan hostsetup.Revocation) error {
			return r.approve(ctx, page.Name, plan, owed)
		}})
	}
	if err == nil && found.Done {
		err = r.book.Settle(context.WithoutCancel(ctx), append(owed, r.work(page))...)
	}
	if err == nil && found.Done && len(found.Files) > 0 {
		err = r.opensNoMore(ctx, i, lost)
	}
	if err == nil {
		return r.done(i, found)
	}
	return r.failed(ctx, i, err)
}

// opensNoMore strikes keys out of those that were seen to open a host, ends their ties to it, and takes note of a host that one key is left for.
func (r *revoking) opensNoMore(ctx context.Context, i int, lost []ssh.PublicKey) error {
	_, err := r.book.Untie(context.WithoutCancel(ctx), func(t book.Tie) bool {
		return t.Host == r.pages[i].Name && slices.ContainsFunc(lost, func(l ssh.PublicKey) bool { return ssh.FingerprintSHA256(l) == t.Fingerprint })
	})
	if err != nil {
		return err
	}
	return r.book.Update(context.WithoutCancel(ctx), r.pages[i].Name, func(h *book.Host) error {
		h.Proved = slices.DeleteFunc(h.Proved, func(key string) bool {
			return slices.ContainsFunc(lost, func(l ssh.PublicKey) bool { return ssh.FingerprintSHA256(l) == key })
		})
		r.sole[i] = soleKey(*h)
		return nil
	})
}

// due are the keys that come off a host: the one that was asked for; and those that are owed there, as far as somebody is asked about them.
// --yes answers for the key that was named, and says no word about others.
func (r *revoking) due(page book.Host) (lost []ssh.PublicKey, owed []book.Owed) {
	lost = []ssh.PublicKey{r.key}
	for _, w := range r.owed {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(w.Key))
		if err != nil || w.Host != page.Name || w.Work != book.OwedRevoke || ssh.FingerprintSHA256(key) == page.Fingerprint || bytes.Equal(key.Marshal(), r.key.Marshal()) {
			continue
		}
		if r.yes {
			f := owedFields(w)
			f["host"] = page.Name
			r.board.say(r.p.stderr, say.Text(say.RevokeNotOwed, f))
			continue
		}
		lost, owed = append(lost, key), append(owed, w)
	}
	return lost, owed
}

// work is what is owed to a host that cannot be reached now.
func (r *revoking) work(page book.Host) book.Owed {
	return book.Owed{Host: page.Name, Work: book.OwedRevoke, Key: authkeys.Format(r.key, ""), Client: r.client, Since: *utc(r.p.now())}
}

// failed says why it did not work out. A host that was not to be reached is remembered.
func (r *revoking) failed(ctx context.Context, i int, err error) int {
	page := r.pages[i]
	e := notLetIn(page, err)
	code := say.ExitCode(e.ID)
	r.board.end(i, string(hostsetup.Failed), code)
	r.board.say(r.p.stderr, renderAmong(len(r.pages), page.Name, e))
	var unreachable *hostsetup.UnreachableError
	if r.dryRun || !errors.As(err, &unreachable) && !errors.Is(err, hostsetup.ErrCutOff) {
		return code
	}
	if err := r.book.Owe(context.WithoutCancel(ctx), r.work(page)); err != nil {
		r.board.say(r.p.stderr, say.Render(say.Of(err)))
		return code
	}
	later := say.RevokeLater
	if ctx.Err() != nil { // it was the person, not the server
		later = say.RevokeRest
	}
	r.board.say(r.p.stdout, say.Text(later, say.Fields{"host": page.Name}))
	return code
}

// done says what became of it: the verdict on stdout, and beside it what stays for the person to do.
func (r *revoking) done(i int, found hostsetup.Revocation) int {
	f := say.Fields{"host": r.pages[i].Name, "lines": count(found.Lines(), "line"), "files": count(len(found.Files), "file")}
	id := say.RevokeNone
	switch {
	case len(found.Files)+len(found.Left) == 0:
	case r.dryRun:
		id = say.RevokeDryRun
	case len(found.Left) > 0:
		id = say.RevokeLeft
	case found.Taken:
		id = say.Revoked
	default:
		id = say.RevokedUnsure
	}
	code := say.ExitDone
	if len(found.Unseen)+len(found.Left) > 0 {
		code = say.ExitProblem
	}
	for _, session := range found.Ended {
		r.board.say(r.p.stderr, say.Text(say.RevokeEnded, about(f, session)))
	}
	for _, session := range found.Sessions {
		id := say.RevokeOpen
		if session.Unsure {
			id, code = say.RevokeMaybe, say.ExitProblem
		}
		r.board.say(r.p.stderr, say.Text(id, about(f, session)))
	}
	for _, unseen := range found.Unseen {
		r.board.say(r.p.stderr, say.Text(say.RevokeUnseen, say.Fields{"host": f["host"], "unseen": unseen}))
	}
	for _, door := range slices.Concat(found.Left, found.Doors) {
		detail, fix := say.Problem(door)
		r.board.say(r.p.stderr, say.Text(say.RevokeDoor, say.Fields{"host": f["host"], "detail": detail, "fix": fix}))
	}
	r.board.end(i, "revoked", code)
	r.board.say(r.p.stdout, say.Text(id, f))
	return code
}

// about is a session, for a sentence.
func about(f say.Fields, s hostsetup.OpenSession) say.Fields {
	return say.Fields{"host": f["host"], "user": s.User, "from": s.From, "pid": s.PID}
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// approve shows what is taken out, and asks unless that was answered beforehand.
func (r *revoking) approve(ctx context.Context, host string, plan hostsetup.Revocation, owed []book.Owed) error {
	text, out := r.planText(host, plan, owed), r.p.stderr
	if r.dryRun {
		out = r.p.stdout // here the plan is the result
	}
	if r.yes || r.dryRun {
		r.board.say(out, text)
		return nil
	}
	release, err := r.floor.take(ctx) // a plan and its question stand together
	if err != nil {
		return err
	}
	defer release()
	fmt.Fprintln(out, text)
	if r.floor.all && len(plan.Losing)+len(owed) == 0 { // "all" was said of the key that was asked for, and of the owner's accounts
		return nil
	}
	yes, err := (&person{p: r.p, host: host, floor: r.floor}).ask(ctx)
	if err == nil && !yes {
		err = say.Fail(say.NotApproved, nil, "host", host)
	}
	return r.floor.heard(err)
}

func (r *revoking) planText(host string, plan hostsetup.Revocation, owed []book.Owed) string {
	lines := []string{say.Text(say.RevokePlan, say.Fields{"host": host})}
	for _, f := range plan.Files {
		for line := range strings.SplitSeq(strings.TrimSuffix(f.Diff, "\n"), "\n") {
			lines = append(lines, "  "+prompt.Clean(line))
		}
	}
	for _, w := range owed {
		lines = append(lines, "  "+say.Text(say.RevokeOwed, owedFields(w)))
	}
	for _, left := range plan.Left {
		detail, _ := say.Problem(left)
		lines = append(lines, "  "+detail)
	}
	for _, o := range plan.Losing {
		lines = append(lines, "  "+say.Text(say.RevokeLosing, say.Fields{"other": o.String()}))
	}
	for _, s := range plan.Sessions {
		if s.Unsure {
			continue // nothing becomes of it
		}
		id := say.RevokeSession
		if r.endSessions {
			id = say.RevokeEnds
		}
		lines = append(lines, "  "+say.Text(id, about(say.Fields{"host": host}, s)))
	}
	return strings.Join(lines, "\n")
}
