package say

// Messages of the agent's questions: who wants to use a key, and what for.
const (
	AskedBy           ID = "asked-by"
	AskForUse         ID = "ask-for-use"
	AskForUseAgain    ID = "ask-for-use-again"
	AskPIN            ID = "ask-pin"
	AskConfirm        ID = "ask-confirm"
	AskConfirmFor     ID = "ask-confirm-for"
	AskConfirmLock    ID = "ask-confirm-until-locked"
	AnswersHold       ID = "answers-hold"
	TouchDevice       ID = "touch-device"
	WhoStarted        ID = "who-started-by"
	WhoAtSocket       ID = "who-at-socket"
	WhoForwarded      ID = "who-forwarded"
	WhoFromSomewhere  ID = "who-forwarded-from-somewhere"
	WhoUnknown        ID = "who-unknown"
	WhoUnknownProcess ID = "who-unknown-process"
	PurposeServer     ID = "purpose-server"
	PurposeHostKey    ID = "purpose-host-key"
	PurposeLogin      ID = "purpose-login"
	PurposeGit        ID = "purpose-git"
	PurposeGitUnknown ID = "purpose-git-unknown-repository"
	PurposeFile       ID = "purpose-file"
	PurposeOther      ID = "purpose-other"
	PromptHere        ID = "prompt-here"
	NoTerminalHere    ID = "no-terminal-here"
	KeyConfirmed      ID = "key-confirmed"
	KeyConfirmNobody  ID = "key-confirm-nobody"
	StateNoAsking     ID = "state-no-asking"
	StateSealed       ID = "state-sealed"
	StateConfirm      ID = "state-confirm"
	StateGranted      ID = "state-granted"
	StatePaused       ID = "state-paused"
	RefusedAtSocket   ID = "refused-at-socket"
	StateUnasked      ID = "state-unasked"
	StateAddedUnasked ID = "state-added-unasked"
)

func askTable() map[ID]Message {
	return map[ID]Message{
		AskedBy:           {What: "with key {key}, for {who}"},
		AskForUse:         {What: "Its passphrase:"},
		AskForUseAgain:    {What: "That was not its passphrase. Once more:"},
		AskPIN:            {What: "The PIN of its device:"},
		AskConfirm:        {What: "Allow it?"},
		AskConfirmFor:     {What: "Allow it, and the same for {time}?"},
		AskConfirmLock:    {What: "Allow it, and the same until {key} is locked?"},
		AnswersHold:       {What: "(y: once, {time}: for so long, lock: until it is locked, N)"},
		TouchDevice:       {What: "touch your security key to {purpose}, with key {key}, for {who}"},
		WhoStarted:        {What: "{program} started by {parents}"},
		WhoAtSocket:       {What: "the narrower socket {socket}, by {here}"},
		WhoForwarded:      {What: "another computer through {via}, by {here}"},
		WhoFromSomewhere:  {What: "another computer that is not known, by {here}"},
		WhoUnknown:        {What: "a program that is not known"},
		WhoUnknownProcess: {What: "process {pid}"},
		PurposeServer:     {What: "log in to {server} as \"{user}\""},
		PurposeHostKey:    {What: "log in as \"{user}\" to the server with host key {hostkey}, whose name is not known"},
		PurposeLogin:      {What: "log in as \"{user}\" to a server that it does not name"},
		PurposeGit:        {What: "sign for git in {repository}"},
		PurposeGitUnknown: {What: "sign for git"},
		PurposeFile:       {What: "sign a file, for \"{namespace}\""},
		PurposeOther:      {What: "sign something that is neither a login nor a file"},

		KeyConfirmed: {What: "each use of {key} is asked about"},
		KeyConfirmNobody: {
			What:      "nobody can be asked now, so each use is refused",
			StillTrue: "the key is unlocked, and asked about as soon as somebody can be asked",
			Next:      "kagiban agent prompt-here   (in another terminal)",
		},
		PromptHere: {What: "the agent asks at this terminal now, until Ctrl-C or the terminal closes"},
		NoTerminalHere: {
			What:      "there is no terminal here that the agent could ask at",
			StillTrue: "the agent asks where it did before",
			Next:      "kagiban agent prompt-here   (in the foreground of a terminal)",
		},

		StateNoAsking:     {What: "nobody can be asked, so what needs an answer is refused: kagiban unlock KEY, or kagiban agent prompt-here in a terminal"},
		StateSealed:       {What: "locked as a whole by ssh-add -x, until ssh-add -X"},
		StateConfirm:      {What: "{state}, asks before each use"},
		StateGranted:      {What: "{state} (a yes still holds for {count})"},
		StatePaused:       {What: "{state}; after a question that got no yes, for half a minute or until `kagiban unlock {key}`, a program is refused unasked"},
		RefusedAtSocket:   {What: "{program}, at the narrower socket {socket},"},
		StateUnasked:      {What: "{state}; {program} was refused: nobody could be asked for a yes"},
		StateAddedUnasked: {What: "a key that ssh-add added: {program} was refused, since nobody could be asked"},
	}
}
