package say

// Talk about who else can open a server.
const (
	OneKeyOnly   ID = "one-key-only"
	NoHostYet    ID = "no-host-yet"
	NoClients    ID = "no-clients"
	NotSeen      ID = "clients-not-seen"
	ProblemNext  ID = "problem-next"
	ProblemOf    ID = "problem-of"
	ProblemFirst ID = "problem-first"
	ProblemShut  ID = "problem-shut"
)

func checkTable() map[ID]Message {
	return map[ID]Message{
		OneKeyOnly:   {What: "{host}: only one key opens this server; if this computer is lost, the provider's console is the only way in", Next: "kagiban key recovery {hosts} -o FILE"},
		NoHostYet:    {What: "no server is known here yet"},
		NoClients:    {What: "{host}: no key stands in any file that was looked at"},
		NotSeen:      {What: "{host}: not looked at: {unseen}", Next: "kagiban host clients {host} --sudo-password-file FILE"},
		ProblemOf:    {What: "{host}: {detail}"},
		ProblemFirst: {What: "mend {first} first, which wins over whatever kagiban writes; then: {fix}"},
		ProblemShut:  {What: "kagiban host admit {name} PUBFILE   (on another computer, whose key opens it; PUBFILE holds what kagiban key show {key} --public prints here), or kagiban host add {name} -i FILE   (FILE: a key that opens it; a recovery key, for one)"},
		ProblemNext:  {What: "next: {fix}"},
	}
}

// checkProblems are what `host check` finds besides what stands in the way of `host add` (problemsTable).
func checkProblems() map[ID]Message {
	return map[ID]Message{
		"no-login": {
			What: "nobody logged in to {account}, so only what it offers was looked at: {why}",
			Next: "kagiban unlock {key}, then: kagiban host check {name}",
		},
		"key-no-longer": {
			What: "the key {key} does not open {account} any more",
			Next: "kagiban host add {name}",
		},
		"inside-not-seen": {
			What: "what else may be open was not looked at as {account}: {why}",
			Next: "on the server: sudo sshd -T | grep -i -E 'passwordauth|kbdinteractive'",
		},
		"others-not-checked": {
			What: "only {methods} is offered to {account}; not checked for others: {why}",
			Next: "on the server, as root: sshd -T | grep -i -E 'passwordauth|kbdinteractive'   (or log in as one who may use sudo)",
		},
		"root-not-asked": {
			What: "only {methods} is offered to {account}; not checked for others: {why}",
			Next: "kagiban host check {name} --sudo-password-file FILE   (or in a terminal, where it asks)",
		},
		"listeners-not-seen": {
			What: "which SSH servers listen could not be seen by {account}: /proc tells of none",
			Next: "on the server: sudo ss -ltnp",
		},
		"listeners-too-many": {
			What: "SSH servers listen at {count} addresses, of which {asked} were asked",
			Next: "on the server: sudo ss -ltnp",
		},
		"accounts-too-many": {
			What: "{count} accounts have a shell, of which sshd was asked about {asked}; it has settings of their own for some",
			Next: "on the server: sudo sshd -T -C user=NAME,host=x,addr=192.0.2.1 | grep -i auth",
		},
		"drop-in-gone": {
			What: "{path}, where kagiban turned passwords off, is not there any more, and {says}",
			Next: "kagiban host add {name}",
		},
		"drop-in-edited": {
			What: "{where}: kagiban's own settings were edited there, and {says}",
			Next: "kagiban host add {name}",
		},
		"drop-in-unread": {
			What: "{path} stands, but sshd does not read it for everybody ({why}), and {says}",
			Next: "kagiban host add {name}",
		},
		"drop-in-unconfirmed": {
			What: "the change in {path} was never confirmed, so it does not outlast a start of the server",
			Next: "kagiban host add {name}",
		},
		"password-for": {
			What: "sshd says that something typed lets these in: {accounts}",
			Next: "on the server: sudo sshd -T -C user={user},host=x,addr=192.0.2.1 | grep -i auth",
		},
		"open-at-restart": {
			What: "the running sshd offers {methods} still, but its files say otherwise by now: from its next start on, with a reboot for one, a password opens it",
			Next: "mend the files as said, before the server is started anew",
		},
		"not-in-force": {
			What: "the files of sshd let nobody in by a password, but the running sshd has not read them",
			Next: "{reload}   (on the server)",
		},
		"needs-second-factor": {
			What: "{accounts}: a key alone is not enough here (AuthenticationMethods {methods})",
			Next: "nothing: it is stricter than key-only",
		},
		"password-offered-at": {
			What: "at {at} {methods} is offered to {accounts}{from}",
			Next: "{reload}   (on the server)",
		},
		"second-server-open": {
			What: "another SSH server, {server}, listens at {at} and offers {methods} to {accounts}{from}: {command}",
			Next: "{stop}   (on the server), or make it key-only by its own configuration",
		},
		"second-server-own-settings": {
			What: "another SSH server, {server}, listens at {at}. It offers keys only to those who were asked for, but has settings of its own, which were not looked at: {command}",
			Next: "{stop}   (on the server), or look at what they say: sudo sshd -T -f FILE",
		},
		"second-server-not-asked": {
			What: "another SSH server, {server}, listens at {at}, and could not be asked what it offers ({why}): {command}",
			Next: "{stop}   (on the server), or: ssh -o PreferredAuthentications=none NOBODY@ADDRESS -p PORT   (there)",
		},
		"address-not-reached": {
			What: "it also listens at {at}, which could not be reached from here ({why}); its files say the same for all addresses",
			Next: "kagiban host check   (from where that address can be reached)",
		},
		"address-from-inside": {
			What: "it also listens at {at}, which could not be reached from here{from}: it offers nothing typed there",
			Next: "nothing: it was asked all the same",
		},
		"door-principals": {
			What: "{where} says for which names a certificate opens an account ({value})",
			Next: "look at what is listed there (sshd_config(5), AuthorizedPrincipalsFile)",
		},
		"deep-later": {
			What: "a name that does not exist was asked for less than {minutes} minutes ago, and not again: who watches the door counts it",
			Next: "kagiban host check {name} --deep   (later)",
		},
		"password-offered-nobody": {
			What: "{account}, a name that does not exist, is offered {methods}",
			Next: "kagiban host add {name}",
		},
	}
}
