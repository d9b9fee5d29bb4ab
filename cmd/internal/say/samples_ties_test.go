package say

import "kagiban/vault"

func tiesSamples() []sample {
	return []sample{
		{Fail(TieUnknown, nil, "host", "git", "name", "git.example.org", "files", "/home/me/.ssh/known_hosts"), TieUnknown},
		{Fail(TieNoName, vault.ErrBadName, "key", "SHA256:x"), TieNoName},
		{Fail(NotTied, nil, "key", "laptop", "host", "vps1", "hosts", "vps2, git"), NotTied},
		{Fail(TiedNone, nil, "key", "laptop", "host", "vps1"), TiedNone},
	}
}
