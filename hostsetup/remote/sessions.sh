# shellcheck shell=sh
# sessions list|end FINGERPRINT...: the connections that one of these keys has opened and that are open still, as root's log and the kernel
# agree; "end" ends them, and tells of those that it ended.
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

# accepted PID: what root's log says that this process let in, the last line of it. Only root's own lines: anybody may write under sshd's name.
accepted() {
	{
		for log in /var/log/messages.1 /var/log/messages /var/log/secure.1 /var/log/secure /var/log/auth.log.1 /var/log/auth.log; do
			[ ! -f "$log" ] || briefly 5 grep -h -E "sshd(-session)?\[$1\]: Accepted " "$log" | sed 's/.*\]: Accepted /Accepted /'
		done
		if command -v journalctl >/dev/null 2>&1; then
			briefly 10 journalctl -q -b -o cat -t sshd -t sshd-session _UID=0 _PID="$1" 2>/dev/null | grep '^Accepted '
		fi
	} | tail -n 1
}

# ours: "PID USER ADDRESS PORT FINGERPRINT PID..." for each of the sessions; the first PID is the one that let it in.
ours() {
	peers | while read -r at port pids; do
		for pid in $pids; do
			[ -O "/proc/$pid" ] || continue
			line=$(accepted "$pid")
			case $line in "Accepted publickey for "*" from $at port $port "*) ;; *) continue ;; esac
			rest=${line#Accepted publickey for }
			for print; do
				case "$line " in *" $print "*) echo "$pid ${rest%% from *} $at $port $print $pids" ;; esac
			done
		done
	done
}

alive() { for one; do kill -0 "$one" 2>/dev/null && return 0; done; return 1; }

found=$(ours "$@")
printf '%s\n' "$found" | while read -r pid who at port print pids; do
	[ -n "$pid" ] || continue
	if [ "$mode" = end ]; then
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
	say session "$pid $who $at $port $print"
done
