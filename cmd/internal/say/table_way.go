package say

// Messages of what lies on the way to a server, and of taking one's servers elsewhere.
const (
	NoWay     ID = "no-way"
	WayUnkept ID = "way-unkept"
)

func wayTable() map[ID]Message {
	return map[ID]Message{
		NoWay: {
			What:      "{address} is not reached by way of {way}: {error}",
			StillTrue: "nothing was changed by this connection",
			Next:      "{command}   (shows how far it comes; a login on the way is ssh's own, with its prompts and its known_hosts)",
		},
		WayUnkept: {
			What:      "the ProxyCommand of {asked} in ssh's configuration would not be found again under the name {host}",
			StillTrue: untouched,
			Next:      "the same again without --name, or with -J JUMP in place of the ProxyCommand",
		},
	}
}
