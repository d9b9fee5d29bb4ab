package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
)

func hostClientsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "clients",
		Usage:     "whose keys open a server",
		ArgsUsage: "HOST",
		Description: "It logs in by this client's key and lists each key in the files where sshd may look for keys: of every account where it can become\n" +
			"root, else of the login user. A key of this computer's has a star in front. The note \"unread\" is for a file into which sshd does\n" +
			"not look for that account and a login from here. What lets keys in besides is named, too.\n" +
			"Exit: 0 listed, and what could not be looked at is named · 1 not reached, or this client's key does not open it · 5 needs a person.",
		Flags:  append([]cli.Flag{jsonFlag()}, visitFlags()...),
		Action: func(c *cli.Context) error { return p.hostClients(c) },
	}
}

// clientRow is one key that opens an account, as --json shows it.
type clientRow struct {
	Client      *string `json:"client"` // the comment of its line
	Fingerprint string  `json:"fingerprint"`
	Type        string  `json:"type"`
	Options     *string `json:"options"` // as they stand in the line
	Account     string  `json:"account"`
	File        string  `json:"file"`
	Ours        bool    `json:"ours"`   // a key of this computer's
	Unread      bool    `json:"unread"` // sshd does not look into that file for this account and a login from here
}

func (p *program) hostClients(c *cli.Context) error {
	v, err := p.newVisits(c)
	if err != nil {
		return err
	}
	v.json = c.Bool("json")
	page, err := v.book.Find(c.Args().First())
	if err != nil {
		return say.ForHost(c.Args().First(), err)
	}
	o, err := v.to(c.Context, page)
	if err != nil {
		return err
	}
	o.Steps = nil // it is one look
	access, err := hostsetup.Clients(c.Context, o)
	if err != nil {
		return notLetIn(page, err)
	}
	ours, err := p.ownFingerprints()
	if err != nil {
		return err
	}
	var out struct {
		Clients []clientRow      `json:"clients"`
		Doors   []checkedProblem `json:"doors"`
		Unseen  []string         `json:"unseen"`
	}
	for _, k := range access.Clients {
		fingerprint := ssh.FingerprintSHA256(k.Key)
		out.Clients = append(out.Clients, clientRow{some(prompt.Clean(k.Comment)), fingerprint, k.Key.Type(), some(prompt.Clean(strings.Join(k.Options, ","))),
			prompt.Clean(k.Account), prompt.Clean(k.File), slices.Contains(ours, fingerprint), k.Unread})
	}
	for _, door := range access.Doors {
		detail, fix := say.Problem(door)
		out.Doors = append(out.Doors, checkedProblem{door.ID, detail, some(fix)})
	}
	for _, unseen := range access.Unseen {
		out.Unseen = append(out.Unseen, prompt.Clean(unseen))
	}
	if v.json {
		return writeJSON(p.stdout, out)
	}
	if err := p.showClients(out.Clients); err != nil {
		return err
	}
	if len(out.Clients) == 0 {
		p.tell(say.NoClients, "host", page.Name)
	}
	for _, door := range out.Doors {
		p.tell(say.ProblemOf, "host", page.Name, "detail", door.Detail)
	}
	if len(out.Unseen) > 0 {
		p.tell(say.NotSeen, "host", page.Name, "unseen", strings.Join(out.Unseen, "; "))
	}
	return nil
}

// ownFingerprints are those of all keys in the vault.
func (p *program) ownFingerprints() ([]string, error) {
	v, err := p.vault()
	if err != nil {
		return nil, err
	}
	keys, err := v.List()
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = k.Fingerprint
	}
	return all, err
}

func (p *program) showClients(rows []clientRow) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if len(rows) > 0 {
		fmt.Fprintln(w, "OURS\tACCOUNT\tCLIENT\tTYPE\tFINGERPRINT\tFILE\tNOTE\tOPTIONS")
	}
	for _, r := range rows {
		name := "-"
		if r.Client != nil {
			name = *r.Client
		}
		mark, unread := "-", "-"
		if r.Ours {
			mark = "*"
		}
		if r.Unread {
			unread = "unread"
		}
		var options string
		if r.Options != nil {
			options = *r.Options
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark, r.Account, name, strings.TrimPrefix(r.Type, "ssh-"), r.Fingerprint, r.File, unread, cmp.Or(options, "-"))
	}
	return w.Flush()
}
