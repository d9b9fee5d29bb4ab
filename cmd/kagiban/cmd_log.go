package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/journal"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func logCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "log",
		Usage: "every use of a key: when, which, by which program, for which server, allowed or not",
		Description: "Also what was refused: signatures, session binds, and changes that somebody on another computer tried. asked means that a person was\n" +
			"asked, and allowed it. What cannot be read of the log is said on stderr.",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what comes, until Ctrl-C; first the last 10, unless --last or --since says otherwise"},
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Usage: "the last `N` only", Value: -1, DefaultText: "all"},
			&cli.StringFlag{Name: "since", Usage: "from `TIME` on: a date, a date and a time, or how long ago, such as 8h or 2d"},
			&cli.StringFlag{Name: "key", Usage: "of one `KEY`, by its name or its SHA256: fingerprint"},
		},
		Action: func(c *cli.Context) error { return p.showLog(c) },
	}
}

// followedFrom is how many uses are shown before those that come.
const followedFrom = 10

// logPoll is how often it is looked for more.
const logPoll = 250 * time.Millisecond

func (p *program) showLog(c *cli.Context) error {
	since, err := parseSince(c.String("since"), p.now())
	if err != nil {
		return err
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	w := &logWriter{program: p, reader: journal.Reader{Dir: h.Uses()}, json: c.Bool("json"), key: c.String("key"), since: since}
	last := c.Int("last")
	if c.IsSet("last") && last < 0 {
		return say.Fail(say.BadLast, nil, "value", strconv.Itoa(last))
	}
	if c.Bool("follow") && last < 0 && since.IsZero() {
		last = followedFrom
	}
	if err := w.show(last); err != nil {
		return err
	}
	switch {
	case c.Bool("follow"):
		return w.follow(c.Context)
	case w.shown > 0, last == 0:
	case w.key != "" && !w.named && !p.isKey(w.key):
		return say.Fail(say.LogNoKey, nil, "key", w.key)
	case w.seen == 0:
		p.tell(say.LogEmpty)
	default:
		p.tell(say.LogNoneSuch)
	}
	return nil
}

// isKey tells whether the vault, or the agent, has a key of that name or fingerprint; it may where the vault cannot be read.
func (p *program) isKey(name string) bool {
	v, err := p.vault()
	var keys []vault.Key
	if err == nil {
		keys, err = v.List()
	}
	return err != nil || slices.ContainsFunc(keys, func(k vault.Key) bool { return name == k.Name || name == k.Fingerprint }) ||
		slices.ContainsFunc(p.viewOrNothing().status.Keys, func(k agent.KeyStatus) bool { return name == k.Name || name == k.Fingerprint })
}

// follow shows what comes, until ctx ends, which is its usual end.
func (w *logWriter) follow(ctx context.Context) error {
	tick := time.NewTicker(logPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := w.show(-1); err != nil {
				return err
			}
		}
	}
}
