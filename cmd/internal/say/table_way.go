package say

// Messages of what lies on the way to a server, and of taking one's servers elsewhere.
const (
	NoWay          ID = "no-way"
	WayUnkept      ID = "way-unkept"
	Exported       ID = "exported"
	BadAccount     ID = "bad-account"
	ExportUnfit    ID = "export-unfit"
	ExportOtherKey ID = "export-other-key"
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
		Exported:   {What: "{path}: written ({what}: {count})"},
		BadAccount: {What: "--user takes the name of an account, not \"{name}\"", Next: "kagiban host export cloud-init --help"},
		ExportUnfit: {
			What:      "{error}",
			StillTrue: "nothing was written",
			Next:      "mend hosts.toml, or leave that server out with --hosts A,B",
		},
		ExportOtherKey: {
			What:      "the key {key} here is not the one that is known to open {host} ({fingerprint})",
			StillTrue: "nothing was written",
			Next:      "kagiban host add {host}   (proves the key of today), then the same again",
		},
	}
}
