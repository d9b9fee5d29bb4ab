package main

import (
	"log/slog"
	"slices"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// unfitTies fit no server: key tie makes none such, but a hand does, and so does whoever takes lines out of known_hosts.
func unfitTies(x *patient) (found []say.Fields) {
	known := x.p.serverNames(slog.New(slog.DiscardHandler)).look() // damagedBook says what is wrong with it
	if known.untold {
		return nil
	}
	for _, t := range known.ties {
		if !known.knows(t) {
			found = append(found, tieFields(t, known.knownAs(t)))
		}
	}
	return found
}

// tiesOfNoKey are left alone where no key can be seen at all: that has rows of its own.
func tiesOfNoKey(x *patient) (found []say.Fields) {
	if len(x.keys) == 0 {
		return nil
	}
	ties, _ := book.Book{Path: x.home.Hosts()}.Ties()
	for _, t := range ties {
		if !slices.ContainsFunc(x.keys, func(k vault.Key) bool { return t.Of(k.Name, k.Fingerprint) }) {
			found = append(found, tieFields(t, ""))
		}
	}
	return found
}

func tieFields(t book.Tie, name string) say.Fields {
	return say.Fields{"key": t.Key, "host": t.Host, "name": name, "fix": "kagiban key untie " + say.Quote(t.Key) + " " + say.Quote(t.Host)}
}
