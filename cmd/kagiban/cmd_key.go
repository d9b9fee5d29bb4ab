package main

import (
	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyCommand(p *program) *cli.Command {
	return group("key", "keys on this computer",
		keyNewCommand(p), keyListCommand(p), keyShowCommand(p))
}

// tellKey tells what became of a key.
func (p *program) tellKey(id say.ID, k vault.Key, pairs ...string) {
	p.tell(id, append(pairs, "key", k.Name, "type", k.Type, "fingerprint", k.Fingerprint)...)
}

// tellNext tells what to type next.
func (p *program) tellNext(commands ...string) {
	for _, c := range commands {
		p.tell(say.NextStep, "command", c)
	}
}
