# shellcheck shell=sh
# obstacle FOLDER FILE [KEY]: says under KEY what would keep FILE from being written anew in FOLDER, as far as that can be seen without
# trying: "readonly MOUNT FOLDER" ("readonly-here": only as it is mounted there), "fixed PATH", "full MOUNT FOLDER",
# "denied PATH". A mount and an attribute are asked for by name: some shells' [ -w ] tells root that it may write anything.
newline='
'
room() { left=${4-}; }
obstacle() {
	mount=$(awk -v path="$(readlink -f "$1")/" '
		{ at = $5; if (at != "/") at = at "/" }
		index(path, at) == 1 && length(at) >= most {
			most = length(at); mount = $5; how = "rw"
			if ($6 ~ /^ro(,|$)/) how = "readonly-here"
			if ($NF ~ /^ro(,|$)/) how = "readonly"
		}
		END { print how, mount }' /proc/self/mountinfo 2>/dev/null)
	case $mount in readonly*)
		say "${3:-obstacle}" "$mount" "$1"
		return
		;;
	esac
	for path in "$1" "$2"; do
		attributes=$(lsattr -d "$path" 2>/dev/null)
		case ${attributes%% *} in *[ia]*)
			say "${3:-obstacle}" fixed "$path"
			return
			;;
		esac
	done
	# The file is copied, so it takes the room for another one.
	size=0
	[ ! -f "$2" ] || size=$(wc -c <"$2")
	table=$(df -Pk "$1" 2>/dev/null)
	# shellcheck disable=SC2086 # a word for each column
	room ${table##*"$newline"}
	case $left in
	'' | *[!0-9]*) ;;
	*)
		if [ "$left" -lt $((size / 1024 + 8)) ]; then
			say "${3:-obstacle}" full "${mount#* }" "$1"
			return
		fi
		;;
	esac
	for path in "$1" "$2"; do
		[ ! -e "$path" ] || [ -w "$path" ] || say "${3:-obstacle}" denied "$path"
	done
}
