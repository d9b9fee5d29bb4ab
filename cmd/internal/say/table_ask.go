package say

// Messages of the agent's questions: who wants to use a key, and what for.
const (
	AskForUse      ID = "ask-for-use"
	AskForUseAgain ID = "ask-for-use-again"
	AskPIN         ID = "ask-pin"
	AskConfirm     ID = "ask-confirm"
	TouchDevice    ID = "touch-device"
	WhoHere        ID = "who-here"
	WhoForwarded   ID = "who-forwarded"
	PurposeServer  ID = "purpose-server"
	PurposeHostKey ID = "purpose-host-key"
	PurposeLogin   ID = "purpose-login"
	PurposeFile    ID = "purpose-file"
	PurposeOther   ID = "purpose-other"
	PromptHere     ID = "prompt-here"
	NoTerminalHere ID = "no-terminal-here"
	KeyConfirmed   ID = "key-confirmed"
	StateNoAsking  ID = "state-no-asking"
	StateSealed    ID = "state-sealed"
	StateConfirm   ID = "state-confirm"
)

func askTable() map[ID]Message {
	return map[ID]Message{
		AskForUse:      {What: "{who} wants to use key {key} ({fingerprint}) {purpose}. Its passphrase:"},
		AskForUseAgain: {What: "that is not the passphrase of key {key}; {who} wants to use it. Once more:"},
		AskPIN:         {What: "{who} wants to use key {key} ({fingerprint}) {purpose}. The PIN of its device:"},
		AskConfirm:     {What: "{who} wants to use key {key} ({fingerprint}) {purpose}. Allow it? (y/N)"},
		TouchDevice:    {What: "touch your security key: {who} wants to use key {key} {purpose}"},
		WhoHere:        {What: "{program} (process {pid})"},
		WhoForwarded:   {What: "another computer, through {program} (process {pid}) that forwards for it,"},
		PurposeServer:  {What: "to log in as \"{user}\" to {server}"},
		PurposeHostKey: {What: "to log in as \"{user}\" to the server with host key {hostkey}"},
		PurposeLogin:   {What: "to log in as \"{user}\" to a server that it does not name"},
		PurposeFile:    {What: "to sign a file (for \"{namespace}\")"},
		PurposeOther:   {What: "for something that is neither a login nor a file"},

		KeyConfirmed: {What: "each use of {key} is asked about"},
		PromptHere:   {What: "the agent asks at this terminal now, until Ctrl-C or the terminal closes"},
		NoTerminalHere: {
			What:      "there is no terminal here that the agent could ask at",
			StillTrue: "the agent asks where it did before",
			Next:      "kagiban agent prompt-here   (in the foreground of a terminal)",
		},

		StateNoAsking: {What: "nobody can be asked, so what needs an answer is refused: kagiban unlock KEY, or kagiban agent prompt-here in a terminal"},
		StateSealed:   {What: "locked as a whole by ssh-add -x, until ssh-add -X"},
		StateConfirm:  {What: "{state}, asks before each use"},
	}
}
