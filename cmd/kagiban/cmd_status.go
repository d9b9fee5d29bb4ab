package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

func statusCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "the agent, the keys, the servers, and what to do next",
		Description: "What cannot be read is said on stderr and left out. It always ends with 0.",
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			s := p.lookAround()
			if c.Bool("json") {
				return writeJSON(p.stdout, s.report())
			}
			return s.show(p.stdout)
		},
	}
}

// statusReport is the result of `kagiban status --json`.
type statusReport struct {
	Agent agentRow  `json:"agent"`
	Keys  []keyRow  `json:"keys"`
	Hosts []hostRow `json:"hosts"`
	Next  []string  `json:"next"`
}

type agentRow struct {
	Running bool    `json:"running"`
	PID     *int    `json:"pid"`
	Socket  *string `json:"socket"`
	// Doors are those that other programs know by name; there are none but on Windows.
	Doors []doorRow `json:"doors"`
	// Sockets are the narrower ones.
	Sockets []socketRow `json:"sockets"`
	// Locks are what has it lock all keys by itself.
	Locks []lockRow `json:"locks"`
	// Missed are uses of keys that could not be recorded since the agent began.
	Missed []agent.Missed `json:"missed"`
}

type doorRow struct {
	Name  string  `json:"name"`
	Path  string  `json:"path"`
	Open  bool    `json:"open"`
	Error *string `json:"error"`
}

type hostRow struct {
	Name      string     `json:"name"`
	Address   string     `json:"address"`
	User      string     `json:"user"`
	KeyOnly   bool       `json:"key_only"`
	CheckedAt *time.Time `json:"checked_at"`
}

// surroundings is all that status looks at.
type surroundings struct {
	now    time.Time
	socket string // "" where this system has none for us
	ours   bool   // ssh in this shell asks our agent
	unseal string // the command that ends ssh-add -x
	agent  agentView
	client string // how this computer is called
	unwell bool   // a key or its folder, or the book, cannot be used: doctor says what to do
	unread bool   // the book cannot be read
	fresh  bool   // init has still to be done: nothing that could not be read says otherwise
	keys   []vault.Key
	rows   []keyRow
	hosts  []book.Host
	owed   []book.Owed // work on servers that were not to be reached
}

// lookAround reads what there is. What goes wrong with one part is said, and the
// others are looked at all the same.
func (p *program) lookAround() surroundings {
	s := surroundings{now: p.now()}
	h, err := p.home()
	if err != nil {
		p.complain(err)
		return s
	}
	if err := h.CheckSockets(); err != nil {
		p.complain(err)
	} else {
		s.socket = h.AgentSocket()
	}
	s.ours, s.unseal = p.asksOurs(), p.unseal()
	config, configErr := h.LoadConfig()
	p.complain(configErr)
	s.client = config.Client
	s.agent = p.viewOrNothing()
	pages := book.Book{Path: h.Hosts()}
	ties, _ := pages.Ties() // what is wrong with the book is said below
	var keysErr error
	s.keys, s.rows, keysErr = p.keyRows(s.agent, ties)
	p.complain(keysErr)
	s.unwell = keysErr != nil || slices.ContainsFunc(s.keys, func(k vault.Key) bool { return k.Problem != nil })
	s.fresh = configErr == nil && keysErr == nil && (s.client == "" || len(s.keys) == 0)
	s.hosts, err = pages.Hosts()
	p.complain(err)
	s.unread = err != nil
	s.unwell = s.unwell || s.unread
	if err == nil {
		s.owed, err = pages.Owed()
		p.complain(err)
	}
	return s
}

// complain says what went wrong, if anything did, and goes on.
func (p *program) complain(err error) {
	if err != nil {
		fmt.Fprintln(p.stderr, say.Render(say.Of(err)))
	}
}

func (s surroundings) report() statusReport {
	r := statusReport{Agent: agentRow{Running: s.agent.running, Socket: some(s.socket)}, Keys: s.rows, Next: s.next()}
	if pid := s.agent.status.PID; pid > 0 {
		r.Agent.PID = &pid
	}
	r.Agent.Missed = s.agent.status.Missed
	for _, d := range s.agent.status.Doors {
		r.Agent.Doors = append(r.Agent.Doors, doorRow{d.Name, d.Path, d.Error == "", some(d.Error)})
	}
	for _, n := range s.agent.status.Sockets {
		r.Agent.Sockets = append(r.Agent.Sockets, rowOfSocket(n))
	}
	r.Agent.Locks = lockRows(s.agent.status.Locks)
	for _, h := range s.hosts {
		r.Hosts = append(r.Hosts, hostRow{h.Name, h.Address, h.User, h.KeyOnly, utc(h.CheckedAt)})
	}
	return r
}

// next are the commands that would help now, the first one first.
func (s surroundings) next() []string {
	var next []string
	if s.unwell {
		next = append(next, "kagiban doctor")
	}
	if s.fresh {
		next = append(next, s.initNext())
	}
	switch {
	case len(s.keys) == 0:
		return next
	case !s.agent.running:
		next = append(next, "kagiban agent start")
	case s.agent.unread():
		next = append(next, "kagiban agent stop", "kagiban agent start")
	case !s.ours:
		next = append(next, useEnv)
	}
	if s.agent.status.Locked {
		next = append(next, s.unseal)
	}
	for _, k := range s.keys {
		here, ok := s.agent.keys[k.Name]
		if ok && !s.agent.status.Locked && here.Locked && (here.Refused != nil || here.Hidden || !s.agent.status.CanAsk && s.isDefault(k)) {
			next = append(next, "kagiban unlock "+k.Name)
		}
	}
	if s.unasked() {
		next = append(next, "kagiban agent prompt-here")
	}
	for _, h := range s.hosts {
		if !h.KeyOnly {
			next = append(next, "kagiban host add "+h.Name)
		}
	}
	if sole := soleHosts(s.hosts); len(sole) > 0 {
		_, command := soleText(sole)
		next = append(next, command)
	}
	next = append(next, owedNext(s.owed)...)
	if len(s.hosts) == 0 && !s.unread {
		next = append(next, "kagiban host add USER@HOST")
	}
	return next
}

// initNext is init as it has to be called: where the name of this computer is lost and its keys are not, with the key that it most likely was
// named as, which init takes up: that of the most servers, or the oldest.
func (s surroundings) initNext() string {
	opens := map[string]int{}
	for _, h := range s.hosts {
		opens[h.Key]++
	}
	best := -1
	for i, k := range s.keys {
		if k.Problem != nil || isReplaced(k.Name) {
			continue
		}
		if best < 0 || opens[k.Name] > opens[s.keys[best].Name] || opens[k.Name] == opens[s.keys[best].Name] && k.Created.Before(s.keys[best].Created) {
			best = i
		}
	}
	if s.client != "" || best < 0 {
		return "kagiban init"
	}
	return "kagiban init --client " + s.keys[best].Name
}

// unasked tells whether an open key was refused because nobody could be asked for a yes, and still nobody could.
func (s surroundings) unasked() bool {
	return !s.agent.status.CanAsk && !s.agent.status.Locked && (s.agent.unasked != "" || slices.ContainsFunc(s.keys, func(k vault.Key) bool {
		here := s.agent.keys[k.Name]
		return here.Refused != nil && !here.Locked
	}))
}

func (s surroundings) isDefault(k vault.Key) bool { return k.Name == s.client || len(s.keys) == 1 }

// show is status for people: short lists, a line for each.
func (s surroundings) show(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	state := say.Text(say.StateAgentNone, nil)
	switch {
	case s.agent.unread():
		state = say.Text(say.StateAgentOther, nil)
	case s.agent.running:
		state = say.Text(say.StateAgentRuns, say.Fields{"pid": strconv.Itoa(s.agent.status.PID)})
	}
	fmt.Fprintf(w, "agent\t%s\n", state)
	if s.agent.status.PID > 0 && !s.agent.status.CanAsk {
		fmt.Fprintf(w, "\t%s\n", say.Text(say.StateNoAsking, nil))
	}
	if s.agent.status.Locked {
		fmt.Fprintf(w, "\t%s\n", say.Text(say.StateSealed, nil))
	}
	for _, m := range s.agent.status.Missed {
		fmt.Fprintf(w, "\t%s\n", say.Text(say.StateMissed, say.Fields{"where": m.Where, "count": strconv.Itoa(m.Count), "error": m.Why}))
	}
	if s.agent.added > 0 {
		fmt.Fprintf(w, "\t%s\n", say.Text(say.StateAdded, say.Fields{"count": strconv.Itoa(s.agent.added)}))
	}
	if s.agent.unasked != "" {
		fmt.Fprintf(w, "\t%s\n", say.Text(say.StateAddedUnasked, say.Fields{"program": s.agent.unasked}))
	}
	for _, d := range s.agent.status.Doors {
		fmt.Fprintf(w, "door %s\t%s\n", d.Name, doorState(d))
	}
	for _, n := range s.agent.status.Sockets {
		fmt.Fprintf(w, "socket %s\t%s\n", n.Name, socketState(n))
	}
	for _, text := range lockTexts(s.agent.status.Locks) {
		fmt.Fprintf(w, "locks\t%s\n", text)
	}
	for _, k := range s.keys {
		fmt.Fprintf(w, "key %s\t%s\n", k.Name, s.about(k))
	}
	for _, h := range s.hosts {
		fmt.Fprintf(w, "host %s\t%s\n", h.Name, s.aboutHost(h))
	}
	if sole := soleHosts(s.hosts); len(sole) > 0 {
		warning, _ := soleText(sole)
		fmt.Fprintf(w, "\t%s\n", warning)
	}
	showOwed(w, s)
	for _, command := range s.next() {
		fmt.Fprintf(w, "next\t%s\n", command)
	}
	return w.Flush()
}

// about is a key's state, and what a person should know beyond it.
func (s surroundings) about(k vault.Key) string {
	here := s.agent.keys[k.Name]
	state := s.agent.row(k, nil).state(s.now)
	switch {
	case k.Problem != nil:
		return say.Text(say.StateDamaged, say.Fields{"error": k.Problem.Error()})
	case here.Hidden:
		return state
	case here.Refused != nil && !here.Locked:
		return say.Text(say.StateUnasked, say.Fields{"state": state, "program": refusedName(*here.Refused)})
	case here.Refused != nil:
		return say.Text(say.StateRefused, say.Fields{"state": state, "program": refusedName(*here.Refused)})
	case here.Paused:
		return say.Text(say.StatePaused, say.Fields{"state": state, "key": k.Name})
	}
	return state
}

func (s surroundings) aboutHost(h book.Host) string {
	id, seen := say.StateHostOpen, say.Text(say.StateNeverSeen, nil)
	if h.KeyOnly {
		id = say.StateHostKeyOnly
	}
	if !h.CheckedAt.IsZero() {
		seen = clock(h.CheckedAt, s.now)
	}
	return say.Text(id, say.Fields{"user": h.User, "address": h.Address, "seen": seen})
}
