# shellcheck shell=sh
# What inspect tells of other people: who gets in by a password, and whose keys sshd would take. Their hashes stay
# here: of a password only a word is said.

most=200 # accounts that are looked at one by one
logs=/var/log
now=$(date '+%Y %s')

# recent: what the journal and the logs say that sshd accepted in the last 30 days, as it stands there. What could not be read in
# time is a line that begins with "!".
recent() {
	accepted='sshd(-session)?\[[0-9]+\]: Accepted '
	if [ -d /run/systemd/system ] && command -v journalctl >/dev/null 2>&1; then
		# Only root's own lines: anybody may write to the journal under sshd's name.
		{
			briefly 10 journalctl -q -r -o short-iso --since "30 days ago" -t sshd -t sshd-session _UID=0 2>/dev/null
			[ $? -lt 124 ] || echo "! the journal"
		} | grep -E "$accepted|^!"
	fi
	spent=0
	find -L "$logs"/auth.log* "$logs"/secure* "$logs"/messages* -type f -mtime -31 2>/dev/null | while IFS= read -r log; do
		before=$(uptime_s)
		if [ "$spent" -ge 10 ]; then
			echo "! $log"
			continue
		fi
		case $log in
		*.gz)
			{
				briefly 5 gzip -dc "$log"
				[ $? -lt 124 ] || echo "! $log"
			} | grep -E "$accepted|^!"
			;;
		*)
			briefly 5 grep -E "$accepted" "$log"
			[ $? -lt 124 ] || echo "! $log"
			;;
		esac
		spent=$((spent + $(uptime_s) - before))
	done
}

# logins USER: "NAME:DATE" for each account that logged in by something typed, the last time; ":opened FINGERPRINT" for each key that logged USER
# in; ":seen" if any login at all was to be seen (ours is one), ":unread WHAT". Dates stand as 2026-11-03T.., or as "Nov  3 .." without a year.
logins() {
	recent | awk -v user="$1" -v now="$now" '
		function day(y, m, d) { # since 1970
			if (m <= 2) { y--; m += 12 }
			return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
		}
		BEGIN { year = substr(now, 1, 4) + 0; today = int(substr(now, 6) / 86400) }
		/^!/ { print ":unread " substr($0, 3); next }
		{
			if ($1 ~ /^[0-9][0-9][0-9][0-9]-/) {
				y = substr($1, 1, 4) + 0; m = substr($1, 6, 2) + 0; d = substr($1, 9, 2) + 0
				n = 3
			} else {
				y = year; m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3; d = $2 + 0
				if (day(y, m, d) > today + 1) y--
				n = 5
				if ($n ~ /^[a-z0-9]+\.[a-z]+$/) n++ # the syslogd of busybox
			}
			if (day(y, m, d) < today - 30 || $n !~ /^sshd(-session)?\[[0-9]+\]:$/ || $(n + 1) != "Accepted") next
			seen = 1
			if ($(n + 2) !~ /^(publickey$|password|keyboard-interactive)/ || $(n + 3) != "for") next
			who = substr($0, index($0, " Accepted "))
			sub(/^ Accepted [^ ]+ for /, "", who)
			sub(/ from [^ ]+ port [0-9]+.*$/, "", who)
			if ($(n + 2) == "publickey") {
				if (who == user && match($0, / SHA256:[A-Za-z0-9+\/]+$/)) opened[substr($0, RSTART + 1)]
				next
			}
			date = sprintf("%04d-%02d-%02d", y, m, d)
			if (who !~ /^-|:/ && date > last[who]) last[who] = date
		}
		END {
			if (seen) print ":seen"
			for (key in opened) print ":opened " key
			for (who in last) print who ":" last[who]
		}'
}

# candidates USER LOGINS: "NAME:UID:GID:PASSWORD:LOGIN:HOME:SHELL" for each account but USER and root that has a usable (or an
# empty) password, or stands in LOGINS with the date; ":more N" for those beyond the most. An expired account gets in by nothing.
candidates() {
	{
		printf '%s\n' "$2"
		echo ::
		listed shadow
		echo ::
		printf '%s\n' "$passwd"
		printf '%s\n' "$2" | while IFS=: read -r who _; do # a directory need not list whom it knows
			[ -z "$who" ] || getent passwd "$who" 2>/dev/null
		done
	} | awk -F: -v user="$1" -v most="$most" -v today="$((${now#* } / 86400))" '
		$0 == "::" { part++; next }
		part == 0 { if ($1 != "") login[$1] = $2; next }
		part == 1 {
			hash[$1] = $2
			over[$1] = $8 ~ /^[0-9]+$/ && $8 < today || $3 > 0 && $5 ~ /^[0-9]+$/ && $7 ~ /^[0-9]+$/ && $3 + $5 + $7 < today
			next
		}
		$1 == "" || $1 == user || $1 == "root" || seen[$1]++ || over[$1] { next }
		{
			word = $2 == "x" ? ($1 in hash ? hash[$1] : "*") : $2
			state = word == "" ? "empty" : word ~ /^[!*]/ || length(word) < 13 ? "none" : "usable"
			if (state == "none" && login[$1] == "") next
			if (++found > most) next
			print $1 ":" $3 ":" $4 ":" state ":" login[$1] ":" $6 ":" $7
		}
		END { if (found > most) print ":more " found - most }'
}

# key_files WHO UID HOME: the files of AuthorizedKeysFile, out of what sshd -T says on standard input.
key_files() {
	awk -v who="$1" -v uid="$2" -v home="$3" '
		tolower($1) == "authorizedkeysfile" {
			for (i = 2; i <= NF; i++) {
				path = ""
				for (j = 1; j <= length($i); j++) {
					c = substr($i, j, 1)
					if (c == "%") {
						c = substr($i, ++j, 1)
						c = c == "h" ? home : c == "u" ? who : c == "U" ? uid : c == "%" ? "%" : "%" c
					}
					path = path c
				}
				if (path != "none") print path ~ /^\// ? path : home "/" path
			}
		}'
}

# unrevoked: the lines of standard input whose keys the file $revoked (RevokedKeys) does not refuse; where it cannot be read, sshd refuses all.
unrevoked() {
	case ${revoked-} in '' | none) cat && return ;; esac
	while IFS= read -r line; do
		key=$(printf '%s\n' "$line" | grep -o -E '(ssh|ecdsa|sk)-[^ ]+ AAAA[^ ]+' | head -n 1)
		case $(head -c 6 "$revoked" 2>/dev/null) in
		SSHKRL) printf '%s\n' "$key" | ssh-keygen -Q -f "$revoked" /dev/stdin >/dev/null 2>&1 || continue ;;
		*) if [ ! -f "$revoked" ] || grep -q -F -e "${key#* }" "$revoked"; then continue; fi ;;
		esac
		printf '%s\n' "$line"
	done
}

# keys WHO HOME FILE: the lines of FILE that may hold keys, and the mode of all that sshd looks at: from the file up to the home folder,
# or to / if it lies elsewhere.
keys() {
	at=$(readlink -f "$3") && [ -f "$at" ] || return 0
	say keyfile "$1:$3"
	sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$at" | head -n 50 | head -c 16384 | unrevoked | text "lines $1:$3"
	top=$(readlink -f "$2")
	while ls -ldn "$at"; do
		case $at in "$top" | /) break ;; esac
		at=$(dirname "$at")
	done | text "modes $1:$3"
}

# people USER: all of it, of those in $passwd. Sets asked, lines that begin with the names whose settings it has told.
people() {
	seen=$(logins "$1")
	[ -z "$seen" ] || printf '%s\n' "$seen" | while read -r line; do
		case $line in :*) say "${line#:}" ;; esac
	done
	asked=$(candidates "$1" "$seen")
	[ -n "$asked" ] || return 0
	plain=$(settings kagiban-nobody) # nobody of this name: what no Match singles out
	printf '%s\n' "$asked" | while IFS=: read -r who uid gid state login home shell; do
		if [ -z "$who" ]; then
			say "$uid" # more N
			continue
		fi
		there=missing
		[ ! -x "${shell:-/bin/sh}" ] || there=there
		say account "$who:$uid:$gid:$state:$login:$there:$home:${shell:-/bin/sh}"
		say groups "$who:$(id -G "$who" 2>/dev/null):$(id -Gn "$who" 2>/dev/null)"
		say group "$who:$(getent group "$gid" 2>/dev/null || grep "^[^:]*:[^:]*:$gid:" /etc/group)" | cut -d: -f 1,2,5
		told=$(settings "$who")
		revoked=$(printf '%s\n' "$told" | awk 'tolower($1) == "revokedkeys" { print $2 }')
		tell "effective $who" "$(printf '%s\n' "$told" | deciding)"
		[ "$told" = "$plain" ] || say matched "$who"
		printf '%s\n' "$told" | key_files "$who" "$uid" "$home" | while read -r file; do
			keys "$who" "$home" "$file"
		done
	done
}
