package vpstest

// Reload is a shell command for a host whose sshd listens by itself: sshd reads its files again, and takes connections when the command ends.
// `systemctl reload` alone ends before: sshd closes its sockets and begins anew (sshd(8), SIGHUP), and who comes in between is refused. The
// file with its number is written after it listens.
const Reload = `{ was=$(cat /run/sshd.pid); rm -f /run/sshd.pid
systemctl reload ssh 2>/dev/null || kill -HUP $was
for i in $(seq 200); do [ ! -s /run/sshd.pid ] || break; sleep 0.05; done
[ -s /run/sshd.pid ]; }`
