package hostsetup

import (
	"context"

	"kagiban/hostsetup/authkeys"
)

// A FoundKey is a line of a server's files of keys.
type FoundKey struct {
	Account string
	Path    string
	authkeys.Line
}

// FindKeys returns the lines of all files of keys that it can see on a server: of those accounts of which one file holds word, such as a comment; of all
// accounts without a word. It logs in by Options.Key alone, becomes root where it can, and changes nothing but known_hosts. unseen tells whose keys were not looked at.
//
// Errors: as [Revoke], before anything is changed.
func FindKeys(ctx context.Context, o Options, word string) (found []FoundKey, unseen []string, err error) {
	if word == "" {
		word = "AAAA" // what every blob begins with: the length of a name (RFC 4253 section 6.6)
	}
	s, err := begin(&o)
	if err != nil {
		return nil, nil, err
	}
	defer s.close()
	r := &revoke{setup: s, taken: map[string][]bool{}}
	if err := r.enter(ctx); err != nil {
		return nil, nil, err
	}
	k, err := s.keyring(ctx, word)
	for _, f := range k.files {
		for _, l := range authkeys.All(f.text) {
			if !l.Authority() {
				found = append(found, FoundKey{f.owner, f.path, l})
			}
		}
	}
	return found, k.unseen, err
}
