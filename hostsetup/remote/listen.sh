# shellcheck shell=sh
# listen: the TCP sockets that an SSH server may listen on, whatever program it is, and the addresses of this machine.
# Asks /proc, which every server has. Runs as root; changes nothing.
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
# How many accounts have a shell: inspect asks sshd about the first 200.
say shells "$(listed passwd | awk -F: '$7 !~ /(nologin|false|sync|shutdown|halt)$/' | wc -l)"

# Sockets that listen (state 0A), each with the processes that hold it. Addresses stay as /proc has them.
{
	for table in tcp tcp6; do
		[ ! -r "/proc/net/$table" ] || awk -v table="$table" '$4 == "0A" { print table, $2, $10 }' "/proc/net/$table"
	done
	echo ::
	ls -l /proc/[0-9]*/fd 2>/dev/null
} | awk '
	$0 == "::" { sockets = 1; next }
	!sockets { at[$3] = $1 " " $2; next }
	/^\/proc\// { split($0, part, "/"); pid = part[3]; next }
	match($0, /socket:\[[0-9]+\]/) {
		inode = substr($0, RSTART + 8, RLENGTH - 9)
		if (inode in at) print pid, at[inode]
	}' | sort -u | while read -r pid at; do
	read -r comm 2>/dev/null <"/proc/$pid/comm" || continue # it has ended
	case $comm in sshd | dropbear* | tinysshd* | systemd | *inetd | tcpserver | tcpsvd) ;; *) continue ;; esac
	command=$(tr '\000' ' ' 2>/dev/null <"/proc/$pid/cmdline")
	unit=
	[ ! -O "/proc/$pid" ] || unit=$(unit "/proc/$pid/cgroup") # what a user started below cron.service is not cron.service
	say listens "$at $pid ${unit:--} $command"
done

# What systemd listens for, and starts when somebody comes.
if [ -d /run/systemd/system ]; then
	systemctl list-sockets --no-legend --full 2>/dev/null | while read -r at socket starts; do
		case $at in *:[0-9]*) ;; *) continue ;; esac
		name=${socket%.socket}
		for unit in "$name.service" "$name@.service" $starts; do
			systemctl cat "$unit" 2>/dev/null | sed -n 's/^ExecStart=-\{0,1\}//p'
		done | grep -E 'sshd|dropbear' | head -n 1 | while read -r command; do say socket "$at $socket $command"; done
	done
fi

{
	ip -4 -o addr show scope global 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
	awk '$4 == "00" { print $1 }' /proc/net/if_inet6 2>/dev/null # 32 digits, scope global
} | while read -r address; do say address "$address"; done
