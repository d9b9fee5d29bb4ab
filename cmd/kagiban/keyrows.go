package main

import (
	"fmt"
	"io"
	"time"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// keyRow is a key as scripts read it: KEY in the contract of the command line.
type keyRow struct {
	Name        string     `json:"name"`
	Type        *string    `json:"type"` // null, like fingerprint and comment, while the public half is not known
	Fingerprint *string    `json:"fingerprint"`
	Comment     *string    `json:"comment"`
	State       string     `json:"state"` // locked or unlocked; unknown, where the agent is of another version
	Until       *time.Time `json:"until"` // null: until it is locked
	Created     *time.Time `json:"created"`
	Tied        []string   `json:"tied"`
	Confirm     bool       `json:"confirm"` // asks before each use
	Granted     int        `json:"granted"` // uses that a yes still holds for
	Hidden      bool       `json:"hidden"`  // taken out of the agent, with ssh-add -D it may be
}

const (
	stateLocked   = "locked"
	stateUnlocked = "unlocked"
	stateUnknown  = "unknown"
)

// agentView is what the running agent says of itself; of no agent, nothing.
type agentView struct {
	running bool
	status  control.Status
	keys    map[string]agent.KeyStatus // those of the vault, by name
	added   int                        // keys that live in its memory only
	unasked string                     // a program that was refused one of them, because nobody could be asked
}

// unread says that it runs and its answer could not be understood.
func (v agentView) unread() bool { return v.running && v.status.PID == 0 }

// lookAtAgent asks the agent, if one runs. The error is that of one that runs
// and gives no answer which could be understood.
func (p *program) lookAtAgent() (agentView, error) {
	view := agentView{keys: map[string]agent.KeyStatus{}}
	c, err := p.control()
	if err != nil {
		return view, err
	}
	defer c.Close()
	view.running = true
	if view.status, err = c.Status(); err != nil {
		return view, err
	}
	for _, k := range view.status.Keys {
		if k.Name == "" {
			view.added++
			if k.Refused != nil {
				view.unasked = refusedName(*k.Refused)
			}
		} else {
			view.keys[k.Name] = k
		}
	}
	return view, nil
}

// row puts together what the vault, the agent and the book know of a key.
func (v agentView) row(k vault.Key, ties []book.Tie) keyRow {
	r := keyRow{
		Name: k.Name, Type: some(k.Type), Fingerprint: some(k.Fingerprint), Comment: some(k.Comment),
		State: stateLocked, Created: utc(k.Created), Tied: tiesOf(ties, k),
	}
	if v.unread() {
		r.State = stateUnknown
	}
	here, ok := v.keys[k.Name]
	if ok && !here.Locked {
		r.State, r.Until, r.Confirm, r.Granted = stateUnlocked, utc(here.Until), here.Confirm, here.Granted
	}
	r.Hidden = here.Hidden
	return r
}

// keyRows are all keys of the vault, as that agent has them.
func (p *program) keyRows(view agentView, ties []book.Tie) ([]vault.Key, []keyRow, error) {
	v, err := p.vault()
	if err != nil {
		return nil, nil, err
	}
	keys, err := v.List()
	if err != nil {
		return nil, nil, err
	}
	var rows []keyRow
	for _, k := range keys {
		rows = append(rows, view.row(k, ties))
	}
	return keys, rows, nil
}

// viewOrNothing asks the agent where it can be asked: nothing is wrong with a key
// because no agent answers.
func (p *program) viewOrNothing() agentView {
	view, err := p.lookAtAgent()
	if view.running {
		p.complain(err)
	}
	return view
}

// tiesOrNothing are those of the book, where it can be read.
func (p *program) tiesOrNothing() []book.Tie {
	b, err := p.book()
	var ties []book.Tie
	if err == nil {
		ties, err = b.Ties()
	}
	p.complain(err)
	return ties
}

// showKeys lists keys for people, one a line, columns apart by tabs.
func showKeys(w io.Writer, rows []keyRow, keys []vault.Key, now time.Time) {
	for i, r := range rows {
		note := r.state(now)
		if keys[i].Problem != nil {
			note = "damaged"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, word(r.Type), note, word(r.Fingerprint), word(some(prompt.Clean(few(r.Tied)))), text(r.Comment))
	}
}

// state is how a person reads it.
func (r keyRow) state(now time.Time) string {
	state := r.State
	if r.State == stateUnlocked && r.Until != nil {
		state += " until " + clock(*r.Until, now)
	}
	if r.Confirm {
		state = say.Text(say.StateConfirm, say.Fields{"state": state})
	}
	if r.Granted > 0 {
		state = say.Text(say.StateGranted, say.Fields{"state": state, "count": count(r.Granted, "use")})
	}
	if r.Hidden {
		state = say.Text(say.StateHidden, say.Fields{"state": state})
	}
	return state
}

// clock is a time of day, with the date if that is not today's.
func clock(t, now time.Time) string {
	t = t.Local()
	if y, m, d := now.Local().Date(); t.Year() == y && t.Month() == m && t.Day() == d {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// word is never empty, so that a column is seen.
func word(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}
