# shellcheck shell=sh
# revoke FILE BEFORE AFTER LINE...: the LINEs (numbers) are taken out of FILE, if it is what BEFORE says (CRC and size, by cksum(1)) and will be what
# AFTER says. Runs as whoever owns the folder. The file is replaced whole: a kill or a full disk leaves the old file or the new one.
file=$1 before=$2 after=$3
shift 3
folder=$(dirname "$file") name=$(basename "$file")
cd "$folder" 2>/dev/null || fail changed "$folder"
new=.authorized_keys.kagiban.$$
ended() {
	status=$?
	rm -f "$new"
	say "done" "$status"
}
trap ended EXIT

# Root writes only where nobody else can put a link in its way.
if [ "$(id -u)" = 0 ]; then
	# shellcheck disable=SC2012 # of a folder whose name is not read
	case $(ls -ldn . | awk '{ print $1, $3 }') in
	?????-??-*" 0") ;;
	*) fail unsafe "$folder" ;;
	esac
	[ "$(pwd -P)" = "$folder" ] || fail unsafe "$folder"
fi
for old in .authorized_keys.kagiban.*; do # the power was cut while one was written
	[ ! -e "$old" ] || kill -0 "${old##*.}" 2>/dev/null || rm -f "$old"
done

sum() { cksum <"$1" | awk '{ print $1, $2 }'; }
# shellcheck disable=SC2012 # of one file whose name is not read
kind() { ls -ldn "$1" | awk '{ print $1, $3, $4 }'; }

{ [ -f "$name" ] && [ ! -L "$name" ] && [ "$(sum "$name")" = "$before" ]; } || fail changed "$file"
script=
for line; do script="$script${line}d;"; done
cp -p "$name" "$new" || fail write "$folder/$new"
sed -e "$script" "$name" >"$new" || fail write "$folder/$new"
[ "$(sum "$new")" = "$after" ] || fail write "$folder/$new"
[ "$(kind "$new")" = "$(kind "$name")" ] || fail owner "$file"
sync
[ "$(sum "$name")" = "$before" ] || fail changed "$file"
mv -f "$new" "$name" || fail write "$file"
if command -v restorecon >/dev/null 2>&1; then
	restorecon -F "$name" >/dev/null 2>&1
fi
sync
say revoked "$file"
