package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

func keyCommand(p *program) *cli.Command {
	return group("key", "keys on this computer",
		keyNewCommand(p), keyListCommand(p), keyShowCommand(p), keyImportCommand(p), keyExportCommand(p),
		keyPasswdCommand(p), keyRenameCommand(p), keyRemoveCommand(p), keyTieCommand(p), keyUntieCommand(p), keyRecoveryCommand(p))
}

// tellKey tells what became of a key.
func (p *program) tellKey(id say.ID, k vault.Key, pairs ...string) {
	p.tell(id, append(pairs, "key", k.Name, "type", k.Type, "fingerprint", fingerprintOf(k))...)
}

// fingerprintOf is the fingerprint for a sentence, which has a word where it is not known.
func fingerprintOf(k vault.Key) string { return cmp.Or(k.Fingerprint, "fingerprint not known") }

// tellNext tells what to type next.
func (p *program) tellNext(commands ...string) {
	for _, c := range commands {
		p.tell(say.NextStep, "command", c)
	}
}
