package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
)

func hostListCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:   "list",
		Usage:  "the servers that this client knows",
		Flags:  []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error { return p.hostList(c) },
	}
}

type listedHost struct {
	Name      string     `json:"name"`
	Address   string     `json:"address"`
	Port      int        `json:"port"`
	User      string     `json:"user"`
	Key       string     `json:"key"`
	HostKeys  []string   `json:"host_keys"`
	KeyOnly   bool       `json:"key_only"`
	CheckedAt *time.Time `json:"checked_at"`
}

func (p *program) hostList(c *cli.Context) error {
	b, err := p.book()
	if err != nil {
		return err
	}
	hosts, err := b.Hosts()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		var out struct {
			Hosts []listedHost `json:"hosts"`
		}
		for _, h := range hosts {
			out.Hosts = append(out.Hosts, listedHost{h.Name, h.Address, h.Port, h.User, h.Key, h.HostKeys, h.KeyOnly, utc(h.CheckedAt)})
		}
		return writeJSON(p.stdout, out)
	}
	if len(hosts) == 0 {
		p.tell(say.NoHostYet)
		p.tellNext("kagiban host add USER@HOST")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, h := range hosts {
		state := "passwords on"
		if h.KeyOnly {
			state = "key-only"
		}
		fmt.Fprintf(w, "%s\t%s@%s:%d\t%s\t%s\t%s\n", h.Name, h.User, h.Address, h.Port, state, h.Key, h.CheckedAt.Local().Format("2006-01-02 15:04"))
	}
	return w.Flush()
}
