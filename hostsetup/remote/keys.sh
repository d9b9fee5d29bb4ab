# shellcheck shell=sh
# keys USER ADDRESS LADDRESS LPORT WORD...: what sshd's files say, and what it makes of them for who comes from ADDRESS; and of each account of which
# a file of keys holds one of the WORDs (of a key's blob, of a name), all of these files, byte for byte, with all folders on the way there.
# What sshd passes over in a blob is passed over. As root of every account, else of USER's own. Changes nothing.
# shellcheck disable=SC2034 # settings reads them
user=$1 from=$2 to=$3 port=$4
shift 4
words=$(printf '%s\n' "$@")
me=$(id -u)
say uid "$me"
most=1048576 # bytes of one file, and of all of one account
room=6291456 # and of all of them

# ours PROCESS: is it root's, and the very program sshd? Anybody may call a program so, and /proc shows many a process as root's.
ours() {
	name=
	read -r name <"$1/comm"
	[ "$name" = sshd ] && awk '$1 == "Uid:" { root = $2 + $3 == 0 } END { exit !root }' "$1/status" || return 1
	case $(readlink "$1/exe") in
	"$real" | "$real (deleted)" | /usr/*/sshd | /opt/*/sshd) ;;
	*) return 1 ;;
	esac
}

# configs: sshd_config, and what else an sshd that runs here was told to read.
configs() {
	echo "$config"
	[ "$me" = 0 ] || return 0
	real=$(readlink -f "$sshd")
	for process in /proc/[0-9]*; do
		if ours "$process"; then
			tr '\000' ' ' <"$process/cmdline" | tr ' ' '\n' | awk 'told { print; told = 0 } $0 == "-f" { told = 1 } /^-f\// { print substr($0, 3) }'
		fi
	done 2>/dev/null | sort -u | grep -v -x -F -e "$config"
}

told() {
	configs | while read -r file; do
		{ [ -f "$file" ] && [ -r "$file" ]; } || continue
		if [ "$(wc -c <"$file")" -le "$most" ]; then config_files "$file"; else say unread "sshd:$file"; fi
	done
}

# patterns: where any of these lines has sshd look for keys. Which of them counts for whom does not matter here.
patterns() {
	printf '%s\n' .ssh/authorized_keys .ssh/authorized_keys2
	told | sed 's/^|//' | tr -d "\"'\r" | awk -F '[ \t=]+' '{
		i = $1 == "" ? 2 : 1
		if (tolower($i) == "authorizedkeysfile") for (i++; i <= NF && $i !~ /^#/; i++) if ($i != "" && $i != "none") print $i
	}'
}

# people: "NAME:UID:GID:HOME" for each account that there is. A directory need not list whom it knows.
people() {
	if [ "$me" != 0 ]; then
		echo "$user:$me:$(id -g):$HOME"
		return 0
	fi
	{
		getent passwd "$user" # before others, who may fill the room
		listed passwd
		# shellcheck disable=SC2012 # the owner alone is read
		ls -ldn /home/*/.ssh | awk '{ print $3 }' | sort -u | while read -r id; do getent passwd "$id"; done
	} 2>/dev/null | awk -F: '$1 != "" && !seen[$1]++ { print $1 ":" $3 ":" $4 ":" $6 }'
}

# places: with each line of people, every path that patterns make for it.
places() {
	patterns=$(patterns | awk '!seen[$0]++') awk -F: '
		BEGIN { n = split(ENVIRON["patterns"], all, "\n") }
		{
			for (i = 1; i <= n; i++) {
				path = ""
				for (j = 1; j <= length(all[i]); j++) {
					c = substr(all[i], j, 1)
					if (c == "%") {
						c = substr(all[i], ++j, 1)
						c = c == "h" ? $4 : c == "u" ? $1 : c == "U" ? $2 : c == "%" ? "%" : "%" c
					}
					path = path c
				}
				print $0 ":" (path ~ /^\// ? path : $4 "/" path)
			}
		}'
}

# barred PATH: the folder on the way there that cannot be entered, be it by root: then nobody knows what is in it.
barred() {
	up=$1
	while up=${up%/*} && [ -n "$up" ]; do
		if [ -d "$up" ]; then
			(cd "$up" 2>/dev/null) || echo "$up"
			return 0
		fi
	done
}

# holds FILE: 0 for one in which a word stands, 1 for one without; 2 if it cannot be read to its end.
holds() {
	{
		briefly 5 head -c "$most" "$1"
		printf '\n%s\n' $?
	} 2>/dev/null | tr -d '\r\013\014' | words=$words awk '
		BEGIN { n = split(ENVIRON["words"], word, "\n") }
		{ for (i = 1; i <= n; i++) if (index($0, word[i])) hit = 1; last = $0 }
		END { exit last != "0" ? 2 : !hit }'
}

# looked: "hit NAME" for an account of which a file holds a word, "unread NAME:PATH" for what could not be looked into.
looked() {
	while IFS=: read -r who _ _ _ path; do
		at=$(readlink -f "$path")
		if [ ! -e "$path" ]; then
			closed=$(barred "$path")
			[ -n "$closed" ] || [ ! -L "$path" ] || { [ -n "$at" ] && closed=$(barred "$at"); } || closed=$path
			[ -z "$closed" ] || echo "unread $who:$closed"
			continue
		fi
		case $at in '' | /proc/* | /sys/* | /dev/*) at=/ ;; esac # no file that could be read to its end
		size=$(briefly 5 wc -c "$at" 2>/dev/null)
		size=${size%% *}
		if [ ! -f "$at" ] || [ "${size:-$((most + 1))}" -gt "$most" ]; then
			echo "unread $who:$path"
			continue
		fi
		holds "$at"
		case $? in
		0) echo "hit $who" ;;
		1) ;;
		*) echo "unread $who:$path" ;;
		esac
	done
}

# chain PATH: the modes of it and of each folder above it.
chain() {
	up=$1
	while ls -ldnL "$up" && [ "$up" != / ]; do up=$(dirname "$up"); done
}

# about WHO UID GID HOME PATH: what is needed to take a line out of that file.
about() {
	if [ "$1" != "${last-}" ]; then
		last=$1 share=$most
		say account "$1:$2:$3:$(id -G "$1" 2>/dev/null)"
		settings "$1" | deciding | text "effective $1"
	fi
	at=$(readlink -f "$5")
	[ -f "$at" ] || return 0
	path=$(cd "$4" 2>/dev/null && pwd -P) || path=$4
	case $5 in "$4"/*) path=$path${5#"$4"} ;; *) path=$5 ;; esac
	size=$(wc -c <"$at")
	room=$((room - size)) share=$((share - size))
	if [ "$room" -lt 0 ] || [ "$share" -lt 0 ]; then
		room=$((room + size))
		say unread "$1:$5"
		return 0
	fi
	say keyfile "$1:$path"
	say at "$at"
	briefly 5 head -c "$((size))" "$at" | text "keys $1:$path"
	chain "$path" | text "modes $1:$path"
	chain "$at" | text "real $1:$path"
}

# drops: how root becomes another here, for a command. A busybox may mean its own setpriv, which has less of it.
drops() {
	for way in setpriv runuser su; do
		for folder in $(echo "$PATH" | tr : ' '); do
			[ -x "$folder/$way" ] || continue
			[ "$way" != setpriv ] || "$folder/$way" --help 2>&1 | grep -q -e --init-groups || continue
			echo "$folder/$way"
			return 0
		done
	done
}

[ "$me" != 0 ] || say drop "$(drops)"
told
all=$(people | places)
say accounts "$(printf '%s\n' "$all" | cut -d: -f1 | sort -u | wc -l)"
seen=$(printf '%s\n' "$all" | looked)
printf '%s\n' "$seen" | sed -n 's/^unread //p' | sort -u | while read -r line; do say unread "$line"; done
hits=$(printf '%s\n' "$seen" | sed -n 's/^hit //p' | sort -u)
printf '%s\n' "$all" | while IFS=: read -r who uid gid home path; do
	if printf '%s\n' "$hits" | grep -q -x -F -e "$who"; then
		about "$who" "$uid" "$gid" "$home" "$path"
	fi
done
