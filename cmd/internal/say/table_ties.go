package say

// Messages of key tie and key untie.
const (
	KeyTied    ID = "key-tied"
	KeyUntied  ID = "key-untied"
	TieUnknown ID = "tie-unknown"
	TieNoName  ID = "tie-no-name"
	NotTied    ID = "not-tied"
	TiedNone   ID = "tied-to-none"
	TiesOff    ID = "ties-off"
)

func tiesTable() map[ID]Message {
	return map[ID]Message{
		KeyTied:   {What: "{key} is tied to {host}, which is known by {count}: a login there is offered it first"},
		TiesOff:   {What: "nothing is made of that while config.toml says per_server = false: every server is offered every key"},
		KeyUntied: {What: "{key} is not tied to {host} any more"},
		TieUnknown: {
			What:      "no host key of {host} is known here: the book has none, and there is none for {name} in {files}",
			StillTrue: "nothing was changed",
			Next:      "kagiban host add {host}   (a server of yours)\nssh {host}   (any other: ssh shows its host key, and keeps it), then the same command again",
		},
		TieNoName: {
			What: "only keys of the vault can be tied, by their names (kagiban key list), and \"{key}\" is no name of one; a key from elsewhere must be taken in first",
			Next: "kagiban key import FILE",
		},
		NotTied: {
			What:      "{key} is not tied to {host}; it is tied to {hosts}",
			StillTrue: "nothing was changed",
			Next:      "kagiban key list   (which key is tied to which server)",
		},
		TiedNone: {
			What:      "{key} is not tied to {host}, nor to any other server",
			StillTrue: "nothing was changed",
			Next:      "kagiban key list   (which key is tied to which server)",
		},
	}
}
