package say

// Messages of `host add --create-user`.
const (
	BadUserName    ID = "bad-user-name"
	SystemUserName ID = "system-user-name"
	PlanUserMade   ID = "plan-user-made"
	PlanUserThere  ID = "plan-user-there"
	PlanSudoFile   ID = "plan-sudo-file"
	PlanSudoKept   ID = "plan-sudo-kept"
	PlanSudoAsks   ID = "plan-sudo-asks"
	PlanNoRoot     ID = "plan-no-root"
	NoRootAsRoot   ID = "no-root-as-root"
	RootOpen       ID = "root-open"
)

func createTable() map[ID]Message {
	return map[ID]Message{
		BadUserName:    {What: "--create-user takes the name of an account: small letters, digits, - and _, 32 at most, not \"{name}\"", Next: "kagiban host add --help"},
		SystemUserName: {What: "--create-user makes an account for a person, and {name} is, or may be, one of the system's own", Next: "kagiban host add --help"},
		PlanUserMade:   {What: "useradd: the new account {user} (home {home}, shell {shell}, group {group}); its password is locked: no password opens it"},
		PlanUserThere:  {What: "the account {user} is there already, and is taken as it is (home {home}, shell {shell})"},
		PlanSudoFile:   {What: "a locked password cannot answer sudo: so {file} lets {user} use sudo without a password, and whoever has this key is root there"},
		PlanNoRoot:     {What: "root does not get in by ssh any more, by whatever key; the provider's console takes root's password as before"},
		NoRootAsRoot: {
			What:      "{host}: --no-root shuts root out, so the login must be another's, who may use sudo",
			StillTrue: "no connection was made",
			Next:      "the same again with --create-user NAME, or as that user: kagiban host add NAME@HOST --no-root",
		},
		RootOpen: {
			What:      "{error}",
			StillTrue: "the key opens the server",
			Next:      "sudo sshd -T -C user=root | grep -i permitrootlogin   (on the server: what sshd was told)",
		},
		PlanSudoKept: {What: "{user} uses sudo without a password already: nothing is changed about that"},
		PlanSudoAsks: {What: "sudo goes on asking for the password of {user}, which stays as it is; you are asked for it once, to prove that it works"},
	}
}

// createProblems is what may stand in the way of a new user; they are shown as all problems are.
func createProblems() map[ID]Message {
	return map[ID]Message{
		"no-sudo": {
			What: "sudo is not installed on the server, and without it {user} could not become root",
			Next: "apt-get install sudo (on the server, as root), then the same again",
		},
		"no-tool": {What: "there is no {tool} on the server, which it takes to let {user} in", Next: "install it there, then the same again"},
		"create-other-server": {
			What: "this server is {server}, and kagiban makes users only where it can prove them, on OpenSSH's sshd",
			Next: "kagiban host add USER@HOST   (once the user is there)",
		},
		"root-elsewhere": {What: "{where} says PermitRootLogin {value} before kagiban's settings are read", Next: "delete or comment out that line"},
		"root-in-match":  {What: "{where} says PermitRootLogin {value} {match}, which wins over kagiban's settings", Next: "delete or comment out that line"},
		"root-alone":     {What: "{user} is root itself, and --no-root would shut it out", Next: "the same again with --create-user NAME"},
		"root-by-su": {
			What: "{user} becomes root by su, with root's own password; root is shut out only where another account may use sudo",
			Next: "usermod -aG sudo {user} (on the server, as root), then the same again",
		},
		"user-of-system": {What: "{user} is an account of the system's there (uid {uid})", Next: "the same again with another name"},
		"user-no-shell":  {What: "{user} is there already, and its login shell runs nothing: {shell}", Next: "sudo chsh -s /bin/bash {user} (on the server), or the same again with another name"},
		"user-is-group":  {What: "there is a group {user} already, and the account {user} wants one of its own by that name", Next: "the same again with another name"},
		"user-home-taken": {
			What: "{path} is there already, and no account {user}: it may be somebody's",
			Next: "ls -ld {quoted} (on the server: whose it is), or the same again with another name",
		},
		"user-without-sudo": {
			What: "{user} is there already, has a password, and may not use sudo; kagiban gives nobody's account more than it has",
			Next: "usermod -aG sudo {user} (on the server, as root), then the same again",
		},
		"user-of-others": {
			What: "{user} is there already, may not use sudo, and other keys open it ({keys}): sudo without a password would make root of whoever has these",
			Next: "the same again with another name, or usermod -aG sudo {user} and passwd {user} (on the server, as root), then the same again",
		},
		"user-empty-password": {What: "{user} is there already, and its password is empty", Next: "passwd {user} (on the server, as root), then the same again"},
		"user-not-admitted": {
			What: "sshd would not let {user} in (AllowUsers, DenyUsers, AllowGroups or DenyGroups)",
			Next: "sudo sshd -T -C user={user} | grep -i -E '^(allow|deny)' (on the server: which of them), and let it name {user}",
		},
		"sudoers-not-read": {
			What: "/etc/sudoers does not read the folder {folder}",
			Next: "echo '@includedir {folder}' | EDITOR='tee -a' visudo (on the server, as root), then the same again",
		},
		"sudoers-foreign": {What: "{path} is there already, and kagiban did not write it", Next: "mv {path} {path}.old (on the server, as root: sudo reads no name with a dot)"},
	}
}
