package say

// Messages of a key that is taken off servers.
const (
	KeyInUse        ID = "key-in-use"
	LastKey         ID = "last-key"
	HalfRevoked     ID = "half-revoked"
	HalfByPerson    ID = "half-revoked-by-person"
	StillTaken      ID = "still-taken"
	NoSuchLostKey   ID = "no-such-lost-key"
	LostKeyUnseen   ID = "lost-key-unseen"
	SeveralLostKeys ID = "several-lost-keys"
	OthersName      ID = "name-of-others"

	RevokeKey      ID = "revoke-key"
	RevokePlan     ID = "revoke-plan"
	RevokeOwed     ID = "revoke-owed"
	RevokeNotOwed  ID = "revoke-not-owed"
	OwedNoMore     ID = "owed-no-more"
	RevokeLosing   ID = "revoke-losing"
	RevokeSession  ID = "revoke-session"
	RevokeEnds     ID = "revoke-ends"
	RevokeEnded    ID = "revoke-ended"
	RevokeOpen     ID = "revoke-open"
	RevokeMaybe    ID = "revoke-maybe"
	RevokeUnseen   ID = "revoke-unseen"
	RevokeDoor     ID = "revoke-door"
	Revoked        ID = "revoked"
	RevokedUnsure  ID = "revoked-unsure"
	RevokeNone     ID = "revoke-none"
	RevokeDryRun   ID = "revoke-dry-run"
	BadFingerprint ID = "bad-fingerprint"
	RevokeLater    ID = "revoke-later"
	RevokeRest     ID = "revoke-rest"
	RevokeLeft     ID = "revoke-left"
	RevokeLook     ID = "revoke-look"
	StateOwed      ID = "state-owed"
)

func revokeTable() map[ID]Message {
	return map[ID]Message{
		KeyInUse: {
			What:      "{key} ({fingerprint}) is the key that opens {host} from this computer, and the key in use is never revoked",
			StillTrue: "nothing was changed, and {host} was not connected to",
			Next: "kagiban rotate {key}   (a new key in its place on every server, and then the old one off)\n" +
				"kagiban revoke {fingerprint}   (on another computer, with a key of its own)",
		},
		LastKey: {
			What:      "{host}: without it these accounts of others lose their login by key: {others}",
			StillTrue: untouched + ", and the lost key still opens it",
			Next: "let each put another key there first, then the same again\n" +
				"the same again with --others-lose-login   (once they know; --yes does not answer this)",
		},
		HalfRevoked: {
			What:      "{host}: not all of it is done ({files}): {error}",
			StillTrue: "every file is whole, as it was or without the lost key, and nobody else's line is touched",
			Next:      "the same again   (it goes on from there)",
		},
		HalfByPerson: {
			What:      "{host}: interrupted before all of it was done ({files})",
			StillTrue: "every file is whole, as it was or without the lost key, and nobody else's line is touched",
			Next:      "the same again   (it goes on from there)",
		},
		StillTaken: {
			What:      "{account} still takes {fingerprint}: {why}",
			StillTrue: "what was taken out of files stays out, and nobody else's line is touched",
			Next:      "{fixes}",
		},
		NoSuchLostKey: {
			What:      "no key called {name} was found, neither here nor in a file of keys on {hosts}",
			StillTrue: "nothing was changed",
			Next:      "the same again with the key's fingerprint (SHA256:...) or its .pub file\nkagiban host clients HOST   (whose keys open a server)",
		},
		LostKeyUnseen: {
			What:      "no key called {name} was found on {asked}; these could not be asked: {unasked}",
			StillTrue: "nothing was changed, and nothing is remembered of it",
			Next:      "the same again   (when they can be asked)\nthe same again with the key's .pub file   (it is then taken off where it can be, and remembered for the others)",
		},
		SeveralLostKeys: {
			What:      "{name} is the name of several keys: {keys}",
			StillTrue: "nothing was changed",
			Next:      "kagiban revoke {first}   (or another of these)",
		},
		OthersName: {
			What:      "only accounts of others call a key {name}, and anybody may write any name behind any key: {keys}",
			StillTrue: "nothing was changed",
			Next:      "kagiban revoke {first}   (if this is the one; its fingerprint says it, not its name)",
		},

		RevokeKey:     {What: "the key to take off: {type} {fingerprint} ({names})"},
		RevokePlan:    {What: "on {host} this will be taken out, or ended:"},
		RevokeOwed:    {What: "owed there since {since}: {fingerprint} ({client}) goes as well"},
		RevokeNotOwed: {What: "{host}: owed there since {since}, and not meant by --yes: {fingerprint} ({client}); kagiban revoke {fingerprint} takes it off"},
		OwedNoMore:    {What: "{host}: {fingerprint} was to come off there, and is let in again: that is not owed any more"},
		RevokeLosing:  {What: "loses its login by key: {other}"},
		RevokeSession: {What: "open by it: {user} from {from} (process {pid})"},
		RevokeEnds:    {What: "will be ended: {user} from {from} (process {pid})"},
		RevokeEnded:   {What: "{host}: ended: {user} from {from}; what it left running on the server goes on"},
		RevokeOpen: {
			What: "{host}: still open by that key: {user} from {from} (process {pid}); the same again with --end-sessions ends it",
		},
		RevokeMaybe: {
			What: "{host}: perhaps open by that key, as a log file says, in which anybody may write: {user} from {from} (process {pid}); sudo kill {pid} on the server ends it",
		},
		RevokeUnseen:   {What: "{host}: not seen: {unseen}"},
		RevokeDoor:     {What: "{host}: not closed: {detail}; {fix}"},
		Revoked:        {What: "{host}: revoked ({lines} in {files}, refused on a new connection)"},
		RevokedUnsure:  {What: "{host}: revoked ({lines} in {files}, read again; asked from here, the server did not take it before either)"},
		RevokeNone:     {What: "{host}: not there"},
		RevokeDryRun:   {What: "{host}: dry run, {lines} in {files} would go"},
		RevokeLeft:     {What: "{host}: NOT revoked, it stands still where kagiban does not write"},
		RevokeLook:     {What: "looking for {name} on {count}"},
		BadFingerprint: {What: "a fingerprint is SHA256: and 43 characters, not \"{value}\"", Next: "kagiban host clients HOST"},
		RevokeLater:    {What: "{host}: unreachable, remembered"},
		RevokeRest:     {What: "{host}: not done, remembered"},
		StateOwed:      {What: "{fingerprint} ({client}) has to come off, since {since}"},
	}
}

// revokeProblems are the ways in that no revocation closes, and what keeps a line from being taken out.
func revokeProblems() map[ID]Message {
	return map[ID]Message{
		"key-out-of-reach": {
			What: "the key stands in {at}, where {owner} has its keys ({path}), and neither root nor {owner} can write there without danger: another could put a link in the way, or owns it",
			Next: "sudo nano {quoted}   (on the server: take the line out by hand)",
		},
		"door-command": {
			What: "{where} has sshd ask a program for keys ({value})",
			Next: "take the key out of what that program reads",
		},
		"door-authority": {
			What: "{where} lets in whoever has a certificate of an authority in {value}",
			Next: "if a lost key has such a certificate, put its public line into {revoked} (sshd_config(5), RevokedKeys)",
		},
		"door-authority-line": {
			What: "{where} lets in whoever has a certificate of {fingerprint}",
			Next: "if a lost key has such a certificate, put its public line into {revoked} (sshd_config(5), RevokedKeys)",
		},
		"door-authority-lost": {
			What: "{where} makes the lost key ({fingerprint}) a certificate authority",
			Next: "take that line out by hand: it is for whoever that authority signs for",
		},
	}
}
