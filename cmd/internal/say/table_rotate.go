package say

// Messages of kagiban rotate.
const (
	RotateElsewhere  ID = "rotate-elsewhere"
	RotateHashed     ID = "rotate-hashed"
	RotateBesides    ID = "rotate-besides"
	RotateStays      ID = "rotate-stays"
	RotateMakes      ID = "rotate-makes"
	RotateGoesOn     ID = "rotate-goes-on"
	RotateHost       ID = "rotate-host"
	RotateHostLast   ID = "rotate-host-last"
	RotateNoHost     ID = "rotate-no-host"
	AskRotate        ID = "ask-rotate"
	NotRotated       ID = "not-rotated"
	RotateNoOld      ID = "rotate-no-old"
	RotateFirst      ID = "rotate-first"
	RotateCut        ID = "rotate-cut"
	RotatedHost      ID = "rotated-host"
	RotateAlso       ID = "rotate-also"
	RotateDone       ID = "rotate-done"
	RotateOwed       ID = "rotate-owed"
	StateRotates     ID = "state-rotates"
	StateRotateMakes ID = "state-rotate-makes"
	RotateNotIn      ID = "rotate-not-in"
	RotateRefused    ID = "rotate-refused"
	RotateOldOn      ID = "rotate-old-on"
)

func rotateTable() map[ID]Message {
	return map[ID]Message{
		RotateElsewhere: {What: "this computer knows these servers, and kagiban does not open them with {key}:"},
		RotateHashed:    {What: "{count} or more that known_hosts has under hashed names"},
		RotateBesides:   {What: "{host}  (kagiban opens it with {key}, and has seen the old key open it, too)"},
		RotateStays: {What: "what the old key opens there it goes on opening, until you add the server (kagiban host add) or change the key there yourself; " +
			"the old key is kept for that"},
		RotateMakes: {What: "a new key takes the place of {key} ({fingerprint}, from {made}), and its name; the old one is kept here as {old}. On each of these servers the new key " +
			"is installed and proved, then the old one is taken off and proved refused:"},
		RotateGoesOn:   {What: "{key} takes the place of the old key ({fingerprint}) on the servers that are left:"},
		RotateHost:     {What: "{host}  {user}@{address}"},
		RotateHostLast: {What: "{host}  {user}@{address}  (opened by the new key already; the old one is still to be taken off)"},
		RotateNoHost:   {What: "none: the book has no server that this key opens"},
		AskRotate:      {What: "go on with {key}? (y/N)"},
		NotRotated:     {What: "not approved", StillTrue: "nothing was changed, and no connection was made", Next: "kagiban rotate {key}"},
		RotateNoOld: {
			What:      "the key {fingerprint}, which {key} is to take the place of, is not on this computer any more, and {key} is not made",
			StillTrue: "nothing was changed",
			Next:      "kagiban key new {key}, and then kagiban rotate {key}   (servers that know none of your keys want kagiban host add)",
		},
		RotateFirst: {
			What:      "servers are still waiting for {key} to take the place of an older key, and know it by this name",
			StillTrue: "nothing was changed",
			Next:      "kagiban rotate {key}",
		},
		RotateCut: {
			What:      "interrupted",
			StillTrue: "every server is opened by the key that kagiban host list names for it; what is left to do is remembered",
			Next:      "kagiban rotate",
		},
		RotatedHost: {What: "{host}: opened by the new {key}, and the old key is refused; both were seen"},
		RotateAlso: {What: "{host}: the old key opens {also}, too, and there it stays. To shut it out of every account: kagiban revoke {fingerprint} --on {host}   " +
			"(first kagiban host add root@{address}, if you log in so)"},
		RotateDone: {What: "{key} is a new key now ({fingerprint}) on every server that is known here; the old one is kept as {old}. When nothing needs it any more: " +
			"kagiban key remove {old}"},
		RotateOwed:       {What: "servers are left that {old} still opens; it is kept, and they are remembered. When they can be reached: kagiban rotate {key}"},
		StateRotates:     {What: "{key} is to take the place of {fingerprint} there, since {since}; until then that one is kept here, too"},
		StateRotateMakes: {What: "a new key is to take the place of {fingerprint}, since {since}; it is not made yet"},
		RotateNotIn: {
			What:      "{host}: {error}",
			StillTrue: "the old key opens it as before; nothing was taken off",
			Next:      "{next}, then: kagiban rotate",
		},
		RotateRefused: {
			What:      "{host}: {error}",
			StillTrue: "nothing was changed there; the old key is kept here, too",
			Next:      "{next}, then: kagiban rotate",
		},
		RotateOldOn: {
			What:      "{host}: the new key opens it, but the old one was not seen to be taken off: {error}",
			StillTrue: "the new key opens it",
			Next:      "{next}, then: kagiban rotate",
		},
	}
}
