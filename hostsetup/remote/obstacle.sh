# shellcheck shell=sh
# obstacle FOLDER FILE [KEY]: says under KEY what would keep FILE from being written anew in FOLDER, as far as that can be seen without
# trying, and sets mounted, "KIND HOW MOUNT": "readonly MOUNT FOLDER" ("readonly-here": only as it is mounted there), "fixed PATH", "full MOUNT FOLDER",
# "denied PATH". A mount and an attribute are asked for by name: some shells' [ -w ] tells root that it may write anything.
newline='
'
measured=none
room() { left=${4-}; }
obstacle() {
	path=$(cd -P -- "$1" 2>/dev/null && pwd) || path=$(readlink -f "$1")
	mounted=$(awk -v path="$path/" '
		{ at = $5; if (at != "/") at = at "/" }
		index(path, at) == 1 && length(at) >= most {
			most = length(at); mount = $5; how = "rw"
			if ($6 ~ /^ro(,|$)/) how = "readonly-here"
			if ($NF ~ /^ro(,|$)/) how = "readonly"
			for (i = 7; $i != "-" && i < NF; i++);
			kind = $(i + 1)
		}
		END { print kind, how, mount }' /proc/self/mountinfo 2>/dev/null)
	mount=${mounted#* }
	case $mount in readonly*)
		say "${3:-obstacle}" "$mount" "$1"
		return
		;;
	esac
	# A line for each that is there: FOLDER's is the first one, and FILE's the last.
	attributes=$(lsattr -d "$1" "$2" 2>/dev/null)
	path=$1
	for flags in "${attributes%% *}" "${attributes##*"$newline"}"; do
		case ${flags%% *} in *[ia]*)
			say "${3:-obstacle}" fixed "$path"
			return
			;;
		esac
		path=$2
	done
	# The file is copied, so it takes the room for another one.
	size=0
	[ ! -f "$2" ] || size=$(wc -c <"$2")
	if [ "$mount" != "$measured" ]; then
		table=$(df -Pk "$1" 2>/dev/null)
		measured=$mount
	fi
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
