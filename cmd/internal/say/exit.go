package say

// Exit codes, as scripts rely on them.
const (
	ExitDone        = 0
	ExitFailed      = 1   // the command did not do what was asked
	ExitUsage       = 2   // kagiban was called wrongly, nothing was done
	ExitLocked      = 3   // the agent does not run, or the key is locked
	ExitProblem     = 4   // a check found a problem, or installed but not enforced
	ExitNeedsPerson = 5   // a question could not be asked, or is one that no --yes answers
	ExitUndone      = 6   // the server is as it was before
	ExitInterrupted = 130 // Ctrl-C, as a shell counts it
)

// ExitCode is the exit code of a message. An id without a case of its own means
// failure.
func ExitCode(id ID) int {
	switch id {
	case UnknownCommand, NoSuchCommand, UnknownFlag, UnknownFlagGuess, FlagNeedsValue,
		FlagEmpty, BadFlagValue, TooManyArguments, MissingArgument, ArgumentEmpty, DashArgument, MissingFlag, BadShell,
		StdinTwice, TwoSources, BadHostName, BadUserName, SystemUserName, BadHostKey, BadFingerprint, BadPort, OneHostOnly, BadUndoAfter, BadParallel,
		BadKeyName, BadAlias, BadAccount, BadKeySpec, NoSuchKind, OutputToFile, NameAKey, OneOfFlags, BadExportFormat, BadLife, BadSince, BadLast, WayUnkept, TieNoName,
		SocketNotNarrower, BadSocketName, BadPurpose, HostsNeedLogin:
		return ExitUsage
	case AgentNotRunning, NothingOpen, AgentLocked, KeyUnasked:
		return ExitLocked
	case NotEnforced, NotChecked, OtherServer, StillOpen, StillTaken, CheckFoundOpen:
		return ExitProblem
	case Undone:
		return ExitUndone
	case CannotAsk, NoAnswer, NoTerminalHere, HostKeyUnasked, PlanUnasked, SecretUnasked, OthersLose, LastKey, SeveralLostKeys, OthersName:
		return ExitNeedsPerson
	case Interrupted, UndoneByPerson, HalfByPerson, RotateCut:
		return ExitInterrupted
	}
	if _, found := doctorTable()[id]; found {
		return ExitProblem
	}
	return ExitFailed
}
