# shellcheck shell=sh
# inspect USER ADDRESS LADDRESS LPORT: what sshd is told and by which files, for USER who comes from ADDRESS, and
# for root; and which other people a key-only sshd would shut out. Runs as root; changes nothing.
user=$1 from=$2 to=$3 port=$4
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ -x "$sshd" ] || fail nosshd "$sshd"

say manner "$(manner)"
state=$(unsettled)
[ -z "$state" ] || say pending "$state"

listener=
[ ! -d /run/systemd/system ] || listener=$(systemctl show -p MainPID --value ssh.service 2>/dev/null)
case $listener in '' | 0) [ ! -s /run/sshd.pid ] || read -r listener </run/sshd.pid ;; esac
if [ -n "$listener" ] && [ -r "/proc/$listener/cmdline" ]; then
	say listener "$(tr '\000' ' ' <"/proc/$listener/cmdline")"
fi

# Every SSH server that listens: a second one is a door of its own.
if command -v ss >/dev/null 2>&1; then
	ss -ltnpH 2>/dev/null | while read -r _ _ _ at _ who; do
		case $who in *'"sshd"'* | *'"dropbear"'* | *'"tinysshd"'*) ;; *) continue ;; esac
		pid=${who#*pid=} title=
		read -r title 2>/dev/null <"/proc/${pid%%,*}/cmdline"
		case $title in "sshd: /"*) ;; "sshd: "*) continue ;; esac # a login there, which listens for a forwarding (ssh -R)
		say listens "$at $who"
	done
fi

folder=${dropin%/*}
[ -d "$folder" ] || say nofolder "$folder"
[ -d "$folder" ] || folder=${config%/*}
obstacle "$folder" "$dropin" dropin-obstacle
own=$(readlink -f "$config")
obstacle "${own%/*}" "$own" block-obstacle
obstacle "${run%/*}" "$run"
case $mounted in "tmpfs "*" /run") ;; *) say lasting /run ;; esac

config_files "$config"
judged "$config"
passwd=$(listed passwd)
people "$user"
effective "$user" "$from"
# Where sshd looks for the keys of USER besides ~/.ssh/authorized_keys, and what it finds there.
IFS=: read -r _ _ uid _ _ home _ <<-END
	$(getent passwd "$user")
END
settings "$user" | key_files "$user" "$uid" "$home" | while read -r file; do
	if [ "$file" != "$home/.ssh/authorized_keys" ] && [ -f "$file" ] && [ "$(wc -c <"$file")" -le 1048576 ]; then
		text "keys $file" <"$file"
	fi
done

for file in "$dropin.kept" "$dropin"; do # kept: a drop that was cut short
	[ ! -e "$file" ] || text dropin <"$file"
done
! grep -q -e "^$begin" -e "^$end" "$config" || block | text block
