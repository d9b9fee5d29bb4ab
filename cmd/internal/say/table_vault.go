package say

// Messages of the keys at rest: made, opened, taken in and out, lost.
const (
	NoKey                ID = "no-key"
	NoKeys               ID = "no-keys"
	NameAKey             ID = "name-a-key"
	KeyExists            ID = "key-exists"
	KeyKnown             ID = "key-known"
	BadKeyName           ID = "bad-key-name"
	BadKeySpec           ID = "bad-key-spec"
	NoSuchKind           ID = "no-such-kind"
	WrongPassphrase      ID = "wrong-passphrase"
	WrongPassphraseAgain ID = "wrong-passphrase-again"
	NeedPassphrase       ID = "need-passphrase"
	BrokenKey            ID = "broken-key"
	DamagedKey           ID = "damaged-key"
	WeakKey              ID = "weak-key"
	KeyChanged           ID = "key-changed"
	NotAKeyFile          ID = "not-a-key-file"
	CipherUnread         ID = "cipher-unread"
	KeyFileCost          ID = "key-file-cost"
	PuTTYUnread          ID = "putty-unread"
	KeyTypeUnkept        ID = "key-type-unkept"
	WorkFactorHigh       ID = "work-factor-high"
	FolderUnfit          ID = "folder-unfit"
	VaultBusy            ID = "vault-busy"
	FileInUse            ID = "file-in-use"
	PublicMissing        ID = "public-missing"
	FileUnread           ID = "file-unread"
	FileExists           ID = "file-exists"
	OutputToFile         ID = "output-to-file"
	FileUnwritten        ID = "file-unwritten"
	NoFolderForFile      ID = "no-folder-for-file"
	BadExportFormat      ID = "bad-export-format"
	OneOfFlags           ID = "one-of-flags"
	NotRemoved           ID = "not-removed"

	InitDone          ID = "init-done"
	InitAlready       ID = "init-already"
	InitOther         ID = "init-other-client"
	KeyMade           ID = "key-made"
	KeyImported       ID = "key-imported"
	KeyExported       ID = "key-exported"
	KeyExportedWeakly ID = "key-exported-weakly"
	KeyRelocked       ID = "key-relocked"
	KeyRenamed        ID = "key-renamed"
	HostsRenamed      ID = "hosts-renamed"
	NextStep          ID = "next-step"
	ClientKept        ID = "client-kept"
	KeyRemoved        ID = "key-removed"
	AskPassphrase     ID = "ask-passphrase"
	AskNewPassphrase  ID = "ask-new-passphrase"
	AskAgain          ID = "ask-again"
	AskFile           ID = "ask-file-passphrase"
	AskKeepOrNew      ID = "ask-keep-or-new"
	AskRemove         ID = "ask-remove"
	AskRemoveLast     ID = "ask-remove-last"
	AskRemoveOpens    ID = "ask-remove-opens"
)

func vaultTable() map[ID]Message {
	return map[ID]Message{
		NoKey: {What: "{error}", StillTrue: "nothing was changed", Next: "kagiban key list"},
		NoKeys: {
			What:      "there is no key on this computer yet",
			StillTrue: "nothing was changed",
			Next:      "kagiban init",
		},
		NameAKey:  {What: "there are several keys, and none is named as this client: {keys}", Next: "the same with the name of one, such as {first}"},
		KeyExists: {What: "{error}", StillTrue: "that key is as it was, and no other was made", Next: "kagiban key list"},
		KeyKnown: {
			What:      "{file} is a key that is here already, as {key}",
			StillTrue: "both are as they were",
			Next:      "kagiban key show {key}",
		},
		BadKeyName: {
			What: "{error}",
			Next: "the same with another name",
		},
		BadKeySpec: {What: "{error}", Next: "kagiban key new --help"},
		NoSuchKind: {
			What: "no kind of key is {type} of {bits} bits; there are ed25519, ecdsa of 256, 384 or 521, and rsa of 3072 to 16384",
			Next: "kagiban key new --help",
		},
		WrongPassphrase: {
			What:      "{error}",
			StillTrue: "no key was changed or lost",
			Next:      "the same again (if the passphrase is forgotten, nobody can open the key: make another with kagiban key new)",
		},
		WrongPassphraseAgain: {What: "that is not the passphrase, once more:"},
		NeedPassphrase: {
			What:      "{error}",
			StillTrue: "nothing was changed",
			Next:      "the same in a terminal, or with --passphrase-file",
		},
		BrokenKey: {
			What:      "{error}",
			StillTrue: "nothing was taken in, and the file is as it was",
			Next:      "the same with a whole copy of the file, such as one from a backup",
		},
		DamagedKey: {
			What:      "{error}",
			StillTrue: "the file is as it was found, and every other key is unharmed",
			Next:      "put the file back from a backup, or make another key: kagiban key new NAME",
		},
		WeakKey:    {What: "{error}", StillTrue: "nothing was changed", Next: "kagiban key new NAME   (ed25519)"},
		KeyChanged: {What: "{error}", StillTrue: "the key opens as the other change left it", Next: "kagiban key list"},
		NotAKeyFile: {
			What:      "{file} is no private key that can be read: it is {looks}",
			StillTrue: "nothing was changed",
			Next:      "{advice}",
		},
		CipherUnread: {
			What:      "{file} is encrypted with {cipher}, which kagiban does not read",
			StillTrue: "nothing was changed",
			Next:      "{advice}",
		},
		KeyFileCost: {
			What:      "opening {file} takes {asks}, more than is spent on a file ({max})",
			StillTrue: "nothing was changed",
			Next:      "{advice}",
		},
		PuTTYUnread:   {What: "{file} cannot be read as it is: it has {what}", StillTrue: "nothing was changed", Next: "{advice}"},
		KeyTypeUnkept: {What: "keys of type {type} cannot be kept", StillTrue: "nothing was changed", Next: "{advice}"},
		WorkFactorHigh: {
			What:      "key \"{key}\" is sealed at work factor {factor}: opening it takes {memory} MiB of memory",
			StillTrue: "the key is as it was",
			Next:      "kagiban key passwd {key}   (opens it all the same, and seals it at the usual factor)",
		},
		FolderUnfit: {
			What:      "the folder {path} cannot be used: {reason}",
			StillTrue: "nothing was changed",
			Next:      "{fix}",
		},
		VaultBusy: {What: "{error}", StillTrue: "nothing was changed", Next: "the same again, when that one has ended"},
		FileInUse: {
			What:      "{path} cannot be replaced: another program has it open",
			StillTrue: "it holds what it held before",
			Next:      "the same again, when that program (an editor, a backup, a virus scanner) has closed it",
		},
		PublicMissing: {
			What:      "the public half of \"{key}\" is not known: its .pub file is missing or unreadable",
			StillTrue: "the key itself holds it",
			Next:      "kagiban unlock {key}   (writes the .pub file anew)",
		},
		FileUnread:      {What: "{error}", StillTrue: "nothing was changed", Next: "the same with a file that you can read"},
		FileExists:      {What: "{file} exists, and is never overwritten", StillTrue: "nothing was changed", Next: "the same with another file name"},
		OutputToFile:    {What: "a key goes to a file, never to stdout", Next: "the same again with -o FILE"},
		FileUnwritten:   {What: "{file} cannot be written: {error}", StillTrue: "what stood there is as it was, and no key was changed", Next: "the same with a file that you can write"},
		NoFolderForFile: {What: "{file} cannot be made: there is no folder {folder}", StillTrue: "nothing was changed", Next: "make that folder, then the same again; or the same with a file in another one"},
		BadExportFormat: {What: "{error}", Next: "kagiban key export --help"},
		OneOfFlags:      {What: "{first} and {second} do not go together", Next: "leave one of them out"},
		InitOther: {
			What:      "this computer is {client} already, not {wanted}",
			StillTrue: "nothing was changed",
			Next:      "kagiban key new {wanted}   (for one more key), or edit {path}",
		},
		NotRemoved: {What: "key \"{key}\" was not removed", StillTrue: "nothing was changed", Next: "kagiban key list"},

		InitDone:    {What: "this computer is {client}, and its key is {key} ({type}, {fingerprint}); without its passphrase nobody can open it"},
		InitAlready: {What: "this computer is {client} already; nothing was changed"},
		KeyMade:     {What: "made key {key} ({type}, {fingerprint}); without its passphrase nobody can open it"},
		KeyImported: {What: "took in {file} as key {key} ({type}, {fingerprint}); the file is still there, as it was"},
		KeyExported: {What: "wrote key {key} to {file}, locked under the passphrase that you chose; it resists guessing far less than here"},
		KeyExportedWeakly: {
			What: "wrote key {key} to {file}, locked under the passphrase that you chose; this format hardly slows guessing, so that should be a long one, used nowhere else",
		},
		KeyRelocked:  {What: "key {key} opens under its new passphrase now; copies in backups open under the old one"},
		KeyRenamed:   {What: "key {old} is now {key}"},
		HostsRenamed: {What: "these servers are opened by {key} now: {hosts}"},
		ClientKept:   {What: "this computer is still called {client}, as it is on servers; its default key is not named as it any more"},
		KeyRemoved:   {What: "removed key {key} ({fingerprint}); a server that has its public half still lets in whoever has a copy"},
		NextStep:     {What: "  next: {command}"},

		AskPassphrase:    {What: "passphrase of key {key}:"},
		AskNewPassphrase: {What: "new passphrase for key {key}:"},
		AskAgain:         {What: "the same once more:"},
		AskFile:          {What: "passphrase of {file}:"},
		AskKeepOrNew:     {What: "new passphrase for key {key} (Enter keeps that of the file):"},
		AskRemove:        {What: "remove key {key} ({fingerprint}) for good? Nothing brings it back. (y/N)"},
		AskRemoveLast:    {What: "remove key {key} ({fingerprint}), the last one here, for good? Nothing brings it back. (y/N)"},
		AskRemoveOpens:   {What: "remove key {key} ({fingerprint}) for good? It opens {hosts}: you may lock yourself out there. (y/N)"},
	}
}
