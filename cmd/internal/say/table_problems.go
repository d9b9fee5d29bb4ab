package say

// problemsTable has what may stand in the way of a key-only server, by the id of hostsetup's Problem. They are shown together, in the frame
// of the message "blocked", which says what is still true, and by `host check`.
func problemsTable() map[ID]Message {
	return map[ID]Message{
		"sshd-broken": {
			What: "sshd refuses its configuration already: {tested}",
			Next: "mend the line that it names, until `sudo sshd -t` says nothing",
		},
		"change-pending": {
			What: "another change waits for its confirmation on the server ({state})",
			Next: "wait until it is confirmed or undoes itself (10 minutes at most), then the same again",
		},
		"undo-waiting": {
			What: "the server is still undoing a change that was not confirmed: {why}",
			Next: "mend that on the server; the undo then ends by itself within a minute, then the same again",
		},
		"sshd-options": {
			What: "sshd was started with options of its own, which no file can overrule: {listener}",
			Next: "take -f and -o out of its start (systemctl cat ssh; /etc/default/ssh)",
		},
		"no-key-there": {
			What: "{where} ({keyword} {value} {match}): who comes that way would get in neither by a password nor by this key",
			Next: "delete that line, or let it say what holds everywhere (on the server), then the same again",
		},
		"no-drop-in-folder": {What: "there is no folder {path}, although sshd_config includes it", Next: "sudo mkdir -m 755 {path} (on the server)"},
		"sshd-moves": {
			What: "sshd listens at {here}, but its files say {there} by now: they were changed, and it has not read them since. The change would have it do so, and nobody would get in here any more",
			Next: "mend Port and ListenAddress (sudo grep -rinE 'port|listenaddress' /etc/ssh/sshd_config /etc/ssh/sshd_config.d), or put it in force yourself with a way back at hand (sudo systemctl reload ssh, on the provider's console)",
		},
		"drop-in-foreign": {
			What: "{path} is there already, and kagiban did not write it",
			Next: "sudo mv {path} /etc/ssh/sshd_config.d/10-local.conf (on the server)",
		},
		"second-server": {
			What: "another SSH server listens here, which the change would not reach: {servers}",
			Next: "stop it, or make it key-only by its own configuration",
		},
		"block-edited": {
			What: "of kagiban's two marks in {path}, begin and end, one is gone",
			Next: "delete the other mark and what it marked",
		},
		"run-lasting": {
			What: "/run is no tmpfs here, so a reboot would not undo a change that was not confirmed",
			Next: "mount a tmpfs on /run",
		},
		"read-only": {
			What: "nothing can be written to {folder}: {mount} is mounted read-only",
			Next: "sudo mount -o {how} {mount} (on the server)",
		},
		"disk-full": {
			What: "nothing can be written to {folder}: the disk of {mount} is full",
			Next: "df -h {mount} (on the server), and make room there",
		},
		"immutable": {
			What: "{path} cannot be changed, not even by root: it has the attribute i or a (lsattr)",
			Next: "sudo chattr -ia {quoted} (on the server)",
		},
		"not-writable": {What: "{user} may not write {path}", Next: "sudo chown {user}: {quoted} (on the server)"},
		"home-sealed": {
			What: "{path} is encrypted ({kind}), and opened by a login by password: without one sshd cannot read your keys there",
			Next: "put the keys elsewhere (AuthorizedKeysFile /etc/ssh/keys/%u, on the server), or the same again with --no-enforce",
		},
		"home-missing":    {What: "the account has no home folder: {path} is not there", Next: "sudo mkhomedir_helper {user} (on the server)"},
		"home-closed":     {What: "the home folder {path} cannot be entered by {user}", Next: "sudo chown {user}: {quoted} (on the server)"},
		"keys-link":       {What: "{path} is a link that leads nowhere", Next: "ls -ld {quoted} (on the server)"},
		"keys-too-big":    {What: "{path} is larger than any list of keys", Next: "ls -ld {quoted} (on the server)"},
		"keys-unreadable": {What: "{path} cannot be read by {user}, as whom sshd reads it{seen}", Next: "sudo chown {user}: {quoted} (on the server)"},
		"keys-unfit":      {What: "{path} cannot be used", Next: "ls -ld {quoted} (on the server)"},
		"key-bound": {
			What: "{file}:{line} has this key with options ({options}), so a login with it would be bound by them",
			Next: "sed -i {line}d {file} (on the server: it deletes that line), or make another key",
		},
		"keys-elsewhere": {
			What: "{where} looks for the keys of {user} in {files}, not in {file}",
			Next: "printf '{text}' {key} | sudo tee -a {to} (on the server), then the same again",
		},
		"no-publickey": {
			What: "{where} takes no keys (it offers {methods})",
			Next: "delete that line (sudo sshd -T | grep -i pubkeyauth shows the setting), then: sudo systemctl reload ssh",
		},
		"keys-nowhere": {
			What: "{where} looks for the keys of {user} in no file, so not in {file} either",
			Next: "delete or change that line",
		},
		"own-second-factor": {
			What: "{where} asks {user} for a second factor (AuthenticationMethods {methods}); kagiban never weakens that",
			Next: "kagiban key show NAME --public   (add the line to authorized_keys by hand), or delete that line if a key alone is to be enough",
		},
		"second-factor-of-others": {
			What: "{where} asks for more than a key (AuthenticationMethods {value}) {match}: without passwords nobody whom it binds could log in",
			Next: "take the password out of that line, or the same again with --no-enforce",
		},
		"password-elsewhere": {
			What: "{where} says {keyword} {value} before kagiban's drop-in is read",
			Next: "sudo sed -i '{number}s/^/# /' {file}, then: {reload}   (on the server: it comments that line out)",
		},
		"password-in-match": {
			What: "{where} says {keyword} {value} {match}, which wins over any drop-in",
			Next: "sudo sed -i '{number}s/^/# /' {file}, then: {reload}   (on the server: it comments that line out)",
		},
		"password-offered": {What: "{account} is offered {methods}", Next: "kagiban host add {name}"},
	}
}
