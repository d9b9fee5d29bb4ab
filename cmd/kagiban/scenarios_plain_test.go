package main

const cloudInit = "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf\n"

// scenariosPlain are the servers of an ordinary provider, and what their owners did to sshd_config.
var scenariosPlain = []scenario{
	{number: 1, name: "sudo with a password", result: "key-only", offers: keysOnly},
	{number: 2, name: "sudo without", options: []string{"sudo=nopasswd"}, result: "key-only", offers: keysOnly},
	{number: 3, name: "root", options: []string{"root=yes"}, asRoot: true, result: "key-only", offers: keysOnly},
	{number: 35, name: "no sudo", options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords, says: "passwords are still accepted"},
	{number: 1, name: "the key alone", args: []string{"--no-enforce"}, result: "installed", offers: passwords},
	{number: 16, name: "init.d", options: []string{"init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 4, name: "cloud-init", hook: cloudInit, result: "key-only", offers: keysOnly},
	{number: 7, name: "config ends in Match", hook: "printf 'Match User backup\\n\\tX11Forwarding no\\n' >>/etc/ssh/sshd_config", result: "key-only", offers: keysOnly},
	{number: 10, name: "keyboard-interactive on", hook: "printf 'KbdInteractiveAuthentication yes\\n' >/etc/ssh/sshd_config.d/60-kbd.conf", result: "key-only", offers: keysOnly},
	{number: 19, name: "keys file without newline", hook: "mkdir -m 700 /home/owner/.ssh; printf 'ssh-ed25519 AAAA other' >/home/owner/.ssh/authorized_keys; chown -R owner: /home/owner/.ssh", result: "key-only", offers: keysOnly},
	{number: 24, name: "home that all may write", hook: "chmod 777 /home/owner", result: "key-only", offers: keysOnly},
	{number: 8, name: "Match lets passwords in", hook: "printf 'Match User backup\\n\\tPasswordAuthentication yes\\n' >>/etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:"},
	{number: 5, name: "yes above the Include", hook: "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/sshd_config:1"},
	{number: 8, name: "Match and an Include", hook: "printf 'Match User backup\\n\\tInclude /etc/ssh/backup.conf\\n' >>/etc/ssh/sshd_config; echo 'PasswordAuthentication yes' >/etc/ssh/backup.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "/etc/ssh/backup.conf:1"},
	{number: 5, name: "somebody else's 00-kagiban", hook: "echo 'PermitRootLogin no' >/etc/ssh/sshd_config.d/00-kagiban.conf", code: 1, result: "failed", offers: passwords, untouched: true, says: "kagiban did not write it"},
	{number: 5, name: "a second sshd", hook: "printf '[Service]\\nExecStart=/usr/sbin/sshd -D -p 2222 -o PidFile=none\\n' >/etc/systemd/system/ssh2.service; ln -s ../ssh2.service /etc/systemd/system/multi-user.target.wants/ssh2.service", code: 1, result: "failed", offers: passwords, untouched: true, says: ":2222"},
	{number: 1, name: "a dry run", args: []string{"--dry-run"}, result: "unchanged", offers: passwords, untouched: true, says: "+PasswordAuthentication no"},
}
