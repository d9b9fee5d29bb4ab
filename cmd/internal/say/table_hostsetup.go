package say

// Messages of the servers.
const (
	BadHostName      ID = "bad-host-name"
	SSHConfig        ID = "ssh-config"
	Unreachable      ID = "unreachable"
	NoSuchName       ID = "no-such-name"
	NameUnanswered   ID = "name-unanswered"
	HungUp           ID = "hung-up"
	NoSSH            ID = "no-ssh"
	PortClosed       ID = "connection-refused"
	CutOff           ID = "cut-off"
	HostKeyUnknown   ID = "host-key-unknown"
	HostKeyChanged   ID = "host-key-changed"
	HostKeyNotInBook ID = "host-key-not-in-book"
	HostKeyMismatch  ID = "host-key-mismatch"
	LoginRefused     ID = "login-refused"
	LoginShut        ID = "login-shut"
	LoginEnded       ID = "login-ended"
	KeyRefused       ID = "key-refused"
	SecondFactor     ID = "second-factor"
	Blocked          ID = "blocked"
	OthersLose       ID = "others-lose-password"
	Undone           ID = "undone"
	UndoneByPerson   ID = "undone-by-person"
	UndoneKeyLeft    ID = "undone-key-left"
	UndoneShut       ID = "undone-shut"
	HostBusy         ID = "host-busy"
	UndoUnseen       ID = "undo-unseen"
	NotEnforced      ID = "not-enforced"
	NotChecked       ID = "not-checked"
	OtherServer      ID = "other-server"
	NoRoot           ID = "no-root"
	SudoRefused      ID = "sudo-refused"
	StillOpen        ID = "still-open"
	Forced           ID = "forced-command"
	NoShell          ID = "no-shell"
	PasswordExpired  ID = "password-expired"
	CannotWrite      ID = "server-cannot-write"
	NoCredentials    ID = "no-credentials"
	NothingToUndo    ID = "nothing-to-undo"
	NotOurs          ID = "not-key-only-by-us"
	ServerFailed     ID = "server-failed"
	NoHost           ID = "no-host"
	BadBook          ID = "bad-book"
	BadAlias         ID = "bad-alias"
	AliasTaken       ID = "alias-taken"
	NotApproved      ID = "not-approved"
	OneHostOnly      ID = "one-host-only"
	BadUndoAfter     ID = "bad-undo-after"
	IdentityUnread   ID = "identity-unread"
	HostsDiffer      ID = "hosts-differ"
	CheckFoundOpen   ID = "check-found-open"
	HostForgotten    ID = "host-forgotten"
	HostKeyOnly      ID = "host-key-only"
	HostAlready      ID = "host-already"
	HostInstalled    ID = "host-installed"
	HostInstalledAs  ID = "host-installed-as-it-was"
	HostDryRun       ID = "host-dry-run"
	HostUndoneByWish ID = "host-undone-by-wish"
	PlanHead         ID = "plan-head"
	AskPlan          ID = "ask-plan"
	AskHostKey       ID = "ask-host-key"
	AskPassword      ID = "ask-password"
	AskSudo          ID = "ask-sudo"
	AskRoot          ID = "ask-root"
	WrongAnswer      ID = "wrong-answer"
	SecretUnasked    ID = "secret-unasked"
	NoHosts          ID = "no-hosts"
	BadHostKey       ID = "bad-host-key"
	BadPort          ID = "bad-port"
	SecretWrong      ID = "secret-wrong"
	HostKeyUnasked   ID = "host-key-unasked"
	PlanUnasked      ID = "plan-unasked"
	PlanNotEnforced  ID = "plan-not-enforced"
	PlanOther        ID = "plan-other"
)

const (
	untouched = "nothing on the server was changed"
	asRoot    = "the same again as root, as a user who may use sudo or doas, or with --sudo-password-file FILE   (root's password, for su)"
)

func hostsetupTable() map[ID]Message {
	return map[ID]Message{
		BadHostName: {What: "{error}", Next: "kagiban host add --help"},
		SSHConfig:   {What: "{error}", StillTrue: untouched, Next: "mend ssh's configuration, or name another one with -F FILE"},
		Unreachable: {
			What:      "{error}",
			StillTrue: "nothing was changed by this connection",
			Next:      "ssh -v -p {port} {address}   (shows how far it comes)",
		},
		NoSuchName: {
			What:      "there is no computer named {name}: DNS does not know it",
			StillTrue: noConnection,
			Next:      "the same again with the right name, or with the server's IP address",
		},
		NameUnanswered: {
			What:      "the address of {name} could not be looked up: {error}",
			StillTrue: noConnection,
			Next:      "the same again   (when this computer's network and its DNS answer), or with the server's IP address",
		},
		PortClosed: {
			What:      "{address} refuses connections: no SSH server listens there, or this computer is blocked there for a while (fail2ban)",
			StillTrue: "nothing was changed by this connection",
			Next:      "the same again   (in ten minutes)\nsystemctl status ssh ssh.socket; sudo fail2ban-client banned   (on the provider's console)",
		},
		CutOff: {What: "the connection broke before the server had answered", StillTrue: "who could log in before still can", Next: "the same again"},
		HungUp: {
			What:      "{address} hung up before the login ({said}): too many connections wait there (MaxStartups), or this computer is blocked there for a while (PerSourcePenalties, fail2ban)",
			StillTrue: "nothing was changed by this connection",
			Next:      "the same again   (in ten minutes)\nsudo journalctl -u ssh -n 20   (on the provider's console: it tells why)",
		},
		NoSSH: {
			What:      "{address} is no SSH server: it said {said}",
			StillTrue: "nothing was changed by this connection",
			Next:      "the same again with the port of the SSH server: -p PORT",
		},
		HostKeyUnknown: {
			What:      "the host key of {host} is not known: {type} {fingerprint}",
			StillTrue: "nothing secret was sent",
			Next: "ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub   (on the provider's console: it must show the same)\n" +
				"{again} --host-key {fingerprint}",
		},
		HostKeyChanged: {
			What:      "the host key of {host} is not the one that is known: it is {type} {fingerprint}, and {where} has another. Either the server was set up anew, or somebody is between you and it",
			StillTrue: "nothing secret was sent",
			Next: "ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub   (on the provider's console)\n" +
				"ssh-keygen -f {file} -R {host}   (only if the console shows the same fingerprint; where there is no ssh-keygen, delete {line} of that file), then the same again",
		},
		HostKeyNotInBook: {
			What:      "the host key of {host} is {type} {fingerprint}, and none that the book (hosts.toml) has of it. Either the server was set up anew, or somebody is between you and it",
			StillTrue: "nothing secret was sent",
			Next: "ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub   (on the provider's console)\n" +
				"kagiban host add {page} --host-key {fingerprint}   (only if the console shows the same fingerprint)",
		},
		HostKeyMismatch: {
			What:      "the host key of {host} is {type} {fingerprint}, not {pin}",
			StillTrue: "nothing secret was sent",
			Next:      "ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub   (on the provider's console), and compare",
		},
		LoginRefused: {
			What:      "{account}: login refused; the server takes {methods}",
			StillTrue: "the server is as it was",
			Next:      "the same again with -i FILE (a key that opens it) or --password-file FILE",
		},
		LoginShut: {
			What:      "{account}: login refused; the server takes {methods} alone, and no key that is at hand opens it",
			StillTrue: "the server is as it was",
			Next: "the same again with -i FILE   (a key that opens it; a recovery key, for one)\n" +
				"kagiban host admit {host} PUBFILE   (on another computer, whose key opens it; PUBFILE holds what kagiban key show NAME --public prints here)\n" +
				"nano ~{user}/.ssh/authorized_keys   (on the server, by the provider's console: that line into it), then the same again",
		},
		LoginEnded: {
			What:      "{account}: the server ended the login after it was shown a key or a password ({said}). It does so while there is a file /etc/nologin, and for an account that has expired",
			StillTrue: "the server is as it was",
			Next:      "sudo rm /etc/nologin   (on the provider's console, if it is there)\nsudo chage -l {user}; sudo journalctl -u ssh -n 20   (there: they tell why)",
		},
		KeyRefused: {
			What:      "{error}",
			StillTrue: "the login that worked before still does",
			Next:      "sudo sshd -T | grep -i authorizedkeysfile; ls -ld ~ ~/.ssh {file}   (on the server: where sshd looks, and what it may object to)",
		},
		SecondFactor: {
			What:      "{account}: after the key the server asks for a second factor ({methods}); kagiban never weakens that",
			StillTrue: "the server is as it was",
			Next:      "kagiban key show NAME --public   (add the line to authorized_keys by hand)",
		},
		Blocked: {What: "{host} cannot be changed now: {problems}", StillTrue: untouched, Next: "{fixes}"},
		OthersLose: {
			What:      "{host}: with passwords off, these would not get in any more, or not the way they do: {others}",
			StillTrue: untouched + ", and everybody still logs in",
			Next: "let each put a key there while passwords work, and log in by it: ssh-copy-id NAME@HOST   (where there is no shell: their line into the file that `sudo sshd -T -C user=NAME | grep -i authorizedkeysfile` names)\n" +
				"the same again with --others-lose-password   (once they know: a login by password counts for 30 days; --yes does not answer this)\n" +
				"the same again with --no-enforce   (your key goes in, passwords stay on)",
		},
		Undone: {
			What:      "{host}: the step \"{step}\" failed: {error}",
			StillTrue: "the server is as it was before{stays}, and who could log in still can",
			Next:      "{next}",
		},
		UndoneByPerson: {
			What:      "interrupted at the step \"{step}\"",
			StillTrue: "the server is as it was before{stays}, and who could log in still can",
			Next:      "the same again",
		},
		UndoneKeyLeft: {
			What:      "{host}: the step \"{step}\" failed: {error}; sshd is as it was before, but the key's line stays in {file}",
			StillTrue: "who could log in before still can{stays}",
			Next:      "the same again   (it goes on from there)",
		},
		UndoneShut: {
			What:      "{host}: the step \"{step}\" failed: {error}; kagiban's change is undone, but sshd offers {methods} alone: somebody else had changed its files, and that is in force now",
			StillTrue: "this client's line stays in {file}, since no password opens the server",
			Next: "the same again   (it proves that this key opens the server)\n" +
				"sudo grep -rinE 'password|challenge|kbd|methods' /etc/ssh/sshd_config /etc/ssh/sshd_config.d   (on the server: who says so)",
		},
		HostBusy: {
			What:      "{host}: another run of kagiban is changing this server; this client's line stays in {file}, since that run may stand on it",
			StillTrue: "this run changed nothing else",
			Next:      "the same again   (when the other run has ended)",
		},
		UndoUnseen: {
			What:      "{host}: the step \"{step}\" failed: {error}; that it was undone could not be seen from here ({undo})",
			StillTrue: "unless it was confirmed, the server gives sshd its old configuration back by itself within {seconds} s, and at any reboot; this client's line may stay in authorized_keys{stays}",
			Next:      "the same again   (in {seconds} s: it looks before it does anything)",
		},
		NotEnforced: {
			What:      "{host}: the key is installed and opens it, but passwords are still accepted: {error}",
			StillTrue: "who could log in before still can",
			Next:      asRoot,
		},
		NotChecked: {
			What:      "{host}: the key is installed and opens it, and {account} is offered nothing that is typed; whether other accounts are was not checked: {error}",
			StillTrue: "who could log in before still can",
			Next:      asRoot,
		},
		OtherServer: {
			What:      "{host}: the key is installed and opens it, but {error}; {account} is offered {methods}",
			StillTrue: "who could log in before still can",
			Next:      "{fix}",
		},
		NoRoot: {What: "{error}", StillTrue: untouched, Next: asRoot},
		SudoRefused: {
			What:      "{error}",
			StillTrue: untouched,
			Next:      "the same again with --sudo-password-file FILE   (the password that it asks for; root's, if sudo is told so by rootpw or targetpw)",
		},
		StillOpen: {
			What:      "{account} is still offered {methods}",
			StillTrue: "the key opens the server",
			Next:      "sudo sshd -T | grep -i auth   (on the server: it shows what sshd was told)",
		},
		Forced: {
			What:      "{account} logs in, but our command did not run: the account's startup files end the session before, or another command runs in its place. It ended with exit status {status} and printed {output}",
			StillTrue: untouched,
			Next: "grep -n exit ~/.bashrc ~/.profile ~/.ssh/rc   (on the server; a line above it keeps it to sessions of people: case $- in *i*) ;; *) return ;; esac)\n" +
				"grep -n command= ~/.ssh/authorized_keys; sudo sshd -T | grep -i forcecommand   (on the server)",
		},
		NoShell: {
			What:      "{account} logs in, but its login shell does not run commands: it ended with exit status {status} and printed {output}",
			StillTrue: untouched,
			Next:      "sudo chsh -s /bin/bash {user}   (on the server, as root or another user), or the same again with another user",
		},
		PasswordExpired: {
			What:      "the password of {account} has expired, and no command runs before it is changed (printed: {output})",
			StillTrue: untouched,
			Next:      "ssh -t -p {port} {user}@{address}   (it asks for the old password and a new one), then the same again",
		},
		NoCredentials: {
			What:      "{host} lets this user in without any credential: an empty password is accepted there",
			StillTrue: untouched,
			Next:      "passwd   (on the server), then the same again",
		},
		NothingToUndo: {What: "{host} has no drop-in of kagiban's, and takes {methods}: nothing to undo"},
		NotOurs: {
			What:      "{host} takes {methods} only, but not by kagiban's drop-in: there is none",
			StillTrue: untouched,
			Next:      "sudo grep -rn PasswordAuthentication /etc/ssh   (on the server)",
		},
		CannotWrite: {
			What:      "the server's half stopped: {error}",
			StillTrue: untouched,
			Next:      "df -h {folder}; df -i {folder}; lsattr -d {folder}; grep {folder} /proc/mounts   (on the server: is it full, immutable or read-only)",
		},
		ServerFailed: {What: "the server's half stopped: {error}", StillTrue: untouched, Next: "the same again with -v"},
		NoHost:       {What: "no host \"{host}\" is known here", StillTrue: "nothing was changed", Next: "kagiban host list"},
		BadBook:      {What: "{error}", StillTrue: "the file is as you left it", Next: "mend {path}"},
		BadAlias: {
			What: "\"{name}\" is not a name for a server (1 to 64 of A-Z a-z 0-9 . _ -, not beginning with . or -, and no device of Windows)",
			Next: "the same again with another --name",
		},
		AliasTaken: {
			What:      "the name {host} stands for {address} already",
			StillTrue: "nothing was changed",
			Next:      "the same again with --name ANOTHER, or: kagiban host remove {host}",
		},
		NotApproved: {What: "not approved", StillTrue: untouched, Next: "the same again"},
		OneHostOnly: {What: "{flag} is for one host, and several were named", Next: "kagiban host add --help"},
		BadUndoAfter: {
			What: "--undo-after takes from {min} to {max}, not {value}",
			Next: "kagiban host add --help",
		},
		IdentityUnread:   {What: "{error}", StillTrue: untouched, Next: "the same again with another -i FILE"},
		HostsDiffer:      {What: "{failed} of {all} hosts did not come to the goal; each line above says what is true of its host"},
		CheckFoundOpen:   {What: "not all hosts are key-only", StillTrue: "nothing was changed", Next: "kagiban host add HOST"},
		HostForgotten:    {What: "{host} is forgotten here; on the server nothing was changed, so it is as key-only as it was"},
		HostKeyOnly:      {What: "{host} is key-only: proved on new connections"},
		HostAlready:      {What: "{host} is already key-only: checked, nothing changed"},
		HostInstalled:    {What: "{host}: the key is installed and opens it; passwords were left on, as asked"},
		HostInstalledAs:  {What: "{host}: the key is installed and opens it; nothing typed was offered before, and sshd was left as it is"},
		HostDryRun:       {What: "{host}: a dry run; nothing was changed"},
		HostUndoneByWish: {What: "{host} takes {methods} again"},
		PlanHead:         {What: "on {host} this will be changed:"},
		AskPlan:          {What: "go on with {host}? (y/N)"},
		AskHostKey:       {What: "{host} is not known yet. Its host key: {type} {fingerprint}. Does the provider's console show the same (ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub)? (y/N)"},
		AskPassword:      {What: "password of {account}:"},
		AskSudo:          {What: "password of {account}, for {way}:"},
		AskRoot:          {What: "password of {account}, for {way} (only Enter: there is none):"},
		WrongAnswer:      {What: "that was not it"},
		PlanNotEnforced:  {What: "passwords stay on: {why}"},
		PlanOther:        {What: "loses the login by password: {other}"},
		SecretUnasked: {
			What:      "the {what} is needed, and cannot be asked for here: {ways}",
			StillTrue: untouched,
			Next:      "the same in a terminal, or with {flag} FILE",
		},
		NoHosts:    {What: "no server is known here, so none was checked", StillTrue: "nothing was changed", Next: "kagiban host add USER@HOST"},
		BadHostKey: {What: "--host-key is a fingerprint, SHA256: and 43 characters, not \"{value}\"", Next: "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   (on the server: it prints one)"},
		BadPort:    {What: "no port {value}; there are 1 to 65535", Next: "kagiban host add --help"},
		SecretWrong: {
			What:      "the password from {flag} was not taken for {account}",
			StillTrue: untouched,
			Next:      "the same again with the right one",
		},
		PlanUnasked: {
			What:      "what will be changed on a server is shown and asked about, and nobody can be asked here",
			StillTrue: "no connection was made",
			Next:      "the same again with --yes (the plan is still printed), or with --dry-run",
		},
		HostKeyUnasked: {
			What:      "{host} is not known yet (its host key: {type} {fingerprint}), and nobody can be asked whether it is the right one",
			StillTrue: "nothing secret was sent",
			Next:      "the same again with --host-key {fingerprint}   (if the provider's console shows the same), or with --accept-new",
		},
	}
}

// stepWords are the steps of a run in a person's words.
var stepWords = map[string]string{
	"host-key":    "host key",
	"held":        "waiting",
	"login":       "logged in",
	"root":        "looked at sshd",
	"others":      "other people",
	"install":     "key installed",
	"create":      "user let in",
	"prove":       "key proved",
	"taken":       "key looked for",
	"rehearse":    "rehearsed",
	"arm":         "undo armed",
	"enforce":     "passwords off",
	"prove-again": "proved again",
	"confirm":     "confirmed",
	"key-only":    "key-only",
	"record":      "recorded",
	"undo":        "undone",
	"offers":      "asked again",
	"keys":        "looked for it",
	"revoke":      "taken out",
	"refused":     "refused",
	"sessions":    "sessions",
}

// Step is the line for one step: a mark, the step, what it found. The detail is shown without control characters.
func Step(name string, ok bool, detail string) string {
	mark := "ok  "
	if !ok {
		mark = "FAIL"
	}
	return "  " + mark + "  " + pad(StepWords(name), 16) + oneLine(detail)
}

// StepWords is a step in a person's words.
func StepWords(name string) string {
	if words, known := stepWords[name]; known {
		return words
	}
	return name
}

func pad(s string, width int) string {
	for len(s) < width {
		s += " "
	}
	return s
}
