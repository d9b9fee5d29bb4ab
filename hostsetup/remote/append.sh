# shellcheck shell=sh
# append FILE LINE SIZE PATH...: the group and other write bits are taken from each PATH, and LINE (if any) is put
# at the end of FILE (SIZE bytes long when it was looked at, "-" if it was not there). The file is replaced whole:
# a kill or a full disk leaves the old file or the new one, never half a line.
file=$1 line=$2 size=$3
shift 3
cd || fail home "$HOME"

for path in "$@"; do
	chmod go-w "$path" || fail chmod "$path"
	say narrowed "$path"
done
[ -n "$line" ] || exit 0

folder=${file%/*}
if [ ! -d "$folder" ]; then
	mkdir -m 700 "$folder" || fail mkdir "$folder"
	say made "$folder"
fi
for old in "$folder"/.authorized_keys.kagiban.*; do # the power was cut while one was written
	[ ! -e "$old" ] || kill -0 "${old##*.}" 2>/dev/null || rm -f "$old"
done
new=$folder/.authorized_keys.kagiban.$$
ended() {
	status=$?
	rm -f "$new"
	say "done" "$status"
}
trap ended EXIT
# The file may have grown since it was looked at (another client): then Go must look again.
now=-
[ ! -e "$file" ] || now=$(($(wc -c <"$file")))
[ "$now" = "$size" ] || fail changed "$file"
if [ "$size" = - ]; then
	true >"$new" || fail write "$new" # not ":", a redirection of which may end the shell
else
	cp -p "$file" "$new" || fail write "$new"
	if [ -n "$(tail -c 1 "$new")" ]; then
		echo >>"$new" || fail write "$new"
	fi
fi
printf '%s\n' "$line" >>"$new" || fail write "$new"
grep -F -q -x -e "$line" "$new" || fail write "$new"
sync
now=-
[ ! -e "$file" ] || now=$(($(wc -c <"$file")))
[ "$now" = "$size" ] || fail changed "$file"
mv -f "$new" "$file" || fail write "$file"
if command -v restorecon >/dev/null 2>&1; then
	restorecon -F "$file" "$folder" >/dev/null 2>&1
fi
sync
say installed "$file"
