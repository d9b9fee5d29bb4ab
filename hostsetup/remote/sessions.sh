# shellcheck shell=sh
# sessions list|end FINGERPRINT...: the connections that one of these keys has opened and that are open still, as the journal and the kernel
# agree; "end" ends them, and tells of those that it ended. "maybe" is one of which only a log file tells: anybody may write there under sshd's
# name, so that is no reason to end it.
mode=$1
shift
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
command -v ss >/dev/null 2>&1 || fail noss ss

# peers: "ADDRESS PORT PID..." for each connection that a sshd of root's holds.
peers() {
	ss -tnpH state established 2>/dev/null | awk '
		/"sshd(-session)?",pid=/ {
			for (i = 1; i <= NF && $i !~ /^users:/; i++);
			at = $(i - 1)
			port = at; sub(/.*:/, "", port)
			sub(/:[0-9]*$/, "", at); gsub(/[][]/, "", at); sub(/^::ffff:/, "", at); sub(/%.*/, "", at)
			line = at " " port
			who = $i
			while (match(who, /pid=[0-9]+/)) {
				line = line " " substr(who, RSTART + 4, RLENGTH - 4)
				who = substr(who, RSTART + RLENGTH)
			}
			print line
		}'
}

# accepted PID: what the journal says that this process let in, the last line of it. Only root's own lines.
accepted() {
	if command -v journalctl >/dev/null 2>&1; then
		briefly 10 journalctl -q -b -o cat -t sshd -t sshd-session _UID=0 _PID="$1" 2>/dev/null | grep '^Accepted ' | tail -n 1
	fi
}

# written PID: likewise, as a log file has it.
written() {
	for log in /var/log/messages.1 /var/log/messages /var/log/secure.1 /var/log/secure /var/log/auth.log.1 /var/log/auth.log; do
		[ ! -f "$log" ] || briefly 5 grep -h -E "sshd(-session)?\[$1\]: Accepted " "$log" | sed 's/.*\]: Accepted /Accepted /'
	done | tail -n 1
}

# above: the processes that this one stands below: the connection by which we came is among them.
above() {
	up=$$
	while [ "${up:-0}" -gt 1 ]; do
		echo "$up"
		up=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$up/status" 2>/dev/null)
	done
}

# theirs: "session|maybe PID USER ADDRESS PORT FINGERPRINT PID..." for each of the sessions; the first PID is the one that let it in.
theirs() {
	own=$(above)
	peers | while read -r at port pids; do
		for pid in $pids; do
			if [ ! -O "/proc/$pid" ] || printf '%s\n' "$own" | grep -q -x -F -e "$pid"; then
				continue
			fi
			kind=session line=$(accepted "$pid")
			[ -n "$line" ] || kind=maybe line=$(written "$pid")
			case $line in "Accepted publickey for "*" from $at port $port "*) ;; *) continue ;; esac
			rest=${line#Accepted publickey for }
			for print; do
				case "$line " in *" $print "*) echo "$kind $pid ${rest%% from *} $at $port $print $pids" ;; esac
			done
		done
	done
}

alive() { for one; do kill -0 "$one" 2>/dev/null && return 0; done; return 1; }

found=$(theirs "$@")
printf '%s\n' "$found" | while read -r kind pid who at port print pids; do
	[ -n "$pid" ] || continue
	if [ "$mode" = end ]; then
		[ "$kind" = session ] || continue
		kill "$pid" 2>/dev/null
		tries=0
		# shellcheck disable=SC2086 # numbers
		while alive $pids && [ "$tries" -lt 5 ]; do
			tries=$((tries + 1))
			sleep 1
		done
		# shellcheck disable=SC2086
		! alive $pids || kill -9 $pids 2>/dev/null
	fi
	say "$kind" "$pid $who $at $port $print"
done
