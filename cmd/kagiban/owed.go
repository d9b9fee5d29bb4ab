package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
)

// owedNext are the commands that do what is still to be done on servers that were not to be reached, each once.
func owedNext(owed []book.Owed) []string {
	var next []string
	for _, w := range owed {
		print := owedKey(w)
		command := "kagiban revoke " + print
		if w.Work == book.OwedRotate {
			command = "kagiban rotate"
		}
		if print != "" && !slices.Contains(next, command) {
			next = append(next, command)
		}
	}
	return next
}

// owedKey is the fingerprint of the key that has to come off, "" if somebody has edited the book.
func owedKey(w book.Owed) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(w.Key))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

// showOwed is a line for each key and server.
func showOwed(w io.Writer, s surroundings) {
	for _, o := range s.owed {
		id := say.StateOwed
		switch {
		case o.Work == book.OwedRotate && o.Host == "":
			id = say.StateRotateMakes
		case o.Work == book.OwedRotate:
			id = say.StateRotates
		}
		fmt.Fprintf(w, "owed %s\t%s\n", o.Host, say.Text(id, say.Fields{"fingerprint": owedKey(o), "client": o.Client, "key": o.By, "since": clock(o.Since, s.now)}))
	}
}

// owedFields are those of a key that has to come off, for a sentence.
func owedFields(w book.Owed) say.Fields {
	return say.Fields{"since": w.Since.Format("2006-01-02"), "fingerprint": owedKey(w), "client": cmp.Or(w.Client, "no name")}
}

// owedNoMore is for a key that was let in on purpose: what was said before, that it has to come off there, does not hold any more.
func (p *program) owedNoMore(ctx context.Context, b book.Book, board *board, host string, key ssh.PublicKey) error {
	all, err := b.Owed()
	if err != nil {
		return err
	}
	for _, w := range all {
		if w.Host != host || w.Work != book.OwedRevoke || owedKey(w) != ssh.FingerprintSHA256(key) {
			continue
		}
		if err := b.Settle(context.WithoutCancel(ctx), w); err != nil {
			return err
		}
		text := say.Text(say.OwedNoMore, say.Fields{"host": host, "fingerprint": owedKey(w)})
		if board == nil {
			fmt.Fprintln(p.stderr, text)
		} else {
			board.say(p.stderr, text)
		}
	}
	return nil
}
