package say

// Messages of the frame itself: how kagiban was called, what could not be asked,
// where its files are.
const (
	Failed           ID = "failed"
	Bug              ID = "bug"
	Interrupted      ID = "interrupted"
	UnknownCommand   ID = "unknown-command"
	NoSuchCommand    ID = "no-such-command"
	UnknownFlag      ID = "unknown-flag"
	UnknownFlagGuess ID = "unknown-flag-guess"
	FlagNeedsValue   ID = "flag-needs-value"
	FlagEmpty        ID = "flag-empty"
	BadFlagValue     ID = "bad-flag-value"
	MissingFlag      ID = "missing-flag"
	TooManyArguments ID = "too-many-arguments"
	MissingArgument  ID = "missing-argument"
	ArgumentEmpty    ID = "argument-empty"
	DashArgument     ID = "dash-argument"
	BadShell         ID = "bad-shell"
	StdinTwice       ID = "stdin-twice"
	TwoSources       ID = "two-sources"
	CannotAsk        ID = "cannot-ask"
	NoAnswer         ID = "no-answer"
	EmptySecret      ID = "empty-secret"
	SecretsDiffer    ID = "secrets-differ"
	SecretUnread     ID = "secret-unread"
	NoHome           ID = "no-home"
	SocketPathLong   ID = "socket-path-too-long"
	BadConfig        ID = "bad-config"
	NotLet           ID = "not-let"
)

func frameTable() map[ID]Message {
	return map[ID]Message{
		Failed: {What: "{error}"},
		Bug: {
			What:      "something went wrong inside kagiban: {error}",
			StillTrue: "this is a fault of kagiban, not of yours; keys are only ever replaced whole",
			Next:      "{command} -v   (and report what it prints)",
		},
		Interrupted: {
			What:      "interrupted",
			StillTrue: "what was shown as done is done, the rest was not begun",
		},
		UnknownCommand:   {What: "no command \"{name}\", did you mean {guess}?", Next: "{next}"},
		NoSuchCommand:    {What: "no command \"{name}\"", Next: "{group} --help"},
		UnknownFlag:      {What: "unknown flag {flag}", Next: "{command} --help"},
		UnknownFlagGuess: {What: "unknown flag {flag}, did you mean {guess}?", Next: "{command} --help"},
		FlagNeedsValue:   {What: "{flag} needs a value (one that begins with a dash is written {flag}=-value)", Next: "{command} --help"},
		FlagEmpty:        {What: "the value of {flag} is empty", Next: "{command} --help, or leave {flag} out"},
		BadFlagValue:     {What: "{error}", Next: "{command} --help"},
		MissingFlag:      {What: "{command} needs {flag}", Next: "{command} --help"},
		TooManyArguments: {What: "{command} takes no argument \"{arg}\" here", Next: "{command} --help"},
		MissingArgument:  {What: "{command} needs {arg}", Next: "{command} --help"},
		ArgumentEmpty:    {What: "an argument of {command} is empty", Next: "{command} --help"},
		DashArgument:     {What: "\"{arg}\" looks like a flag and is not taken as a name (a file is written ./{arg})", Next: "{command} --help"},
		BadShell:         {What: "no shell \"{shell}\"; there are sh, csh, fish, powershell and cmd", Next: "kagiban env --help"},
		StdinTwice:       {What: "only one secret can come from stdin (-)", Next: "put the other into a file"},
		TwoSources:       {What: "{first} and {second} name the same secret twice", Next: "leave one of them out"},
		CannotAsk: {
			What:      "a question cannot be asked here: {ways}",
			StillTrue: "nothing was changed",
			Next:      "the same in a terminal{instead}",
		},
		NoAnswer: {
			What:      "the question was closed without an answer",
			StillTrue: "nothing was changed",
			Next:      "the same again",
		},
		EmptySecret: {
			What:      "an empty passphrase or password is not accepted",
			StillTrue: "nothing was changed",
			Next:      "the same again",
		},
		SecretsDiffer: {
			What:      "the two passphrases differ",
			StillTrue: "nothing was changed",
			Next:      "the same again",
		},
		SecretUnread: {
			What:      "{error}",
			StillTrue: "nothing was changed",
			Next:      "mend the file or the command, then the same again",
		},
		NoHome: {
			What:      "{error}",
			StillTrue: "nothing was read or written",
			Next:      "set KAGIBAN_HOME to a folder of yours, then the same again",
		},
		SocketPathLong: {
			What:      "the path {path} is {length} bytes, too long for a socket (at most {limit})",
			StillTrue: "nothing was changed",
			Next:      "set KAGIBAN_HOME to a folder with a shorter path, then the same again",
		},
		NotLet: {
			What:      "{error}",
			StillTrue: "what stood there is as it was, whole",
			Next:      "{fix}",
		},
		BadConfig: {
			What:      "{error}",
			StillTrue: "the file is as you left it",
			Next:      "mend {path}",
		},
	}
}
