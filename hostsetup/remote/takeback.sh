# shellcheck shell=sh
# takeback|retract FILE LINE SIZE MADE MODE PATH...: what append did is undone. FILE is cut back to its first SIZE bytes
# if all that follows them is our LINE; where somebody else wrote meanwhile, only the line is taken out. MADE is
# the folder that append made, or "-". Then each MODE (octal) is given back to its PATH. Takeback takes nothing while our drop-in
# or block stands: another run may have made the server key-only on that very line. Retract does: it stood before the line came.
dropin=/etc/ssh/sshd_config.d/00-kagiban.conf
verb=$1
shift
free() {
	[ "$verb" = takeback ] || return 0
	[ ! -e "$dropin" ] || fail standing "$dropin"
	! grep -q '^# kagiban: begin' /etc/ssh/sshd_config 2>/dev/null || fail standing /etc/ssh/sshd_config
}
file=$1 line=$2 size=$3 made=$4
shift 4
cd || fail home "$HOME"
folder=$(dirname "$file")
new=$folder/.authorized_keys.kagiban.$$
ended() {
	status=$?
	rm -f "$new"
	say "done" "$status"
}
trap ended EXIT
free

if [ -z "$line" ] || [ ! -e "$file" ] || ! grep -q -F -x -e "$line" "$file"; then
	[ "$made" = - ] || rmdir "$made" 2>/dev/null # append had no line to write, or had not come so far
elif [ "$size" = - ] && [ "$(cat "$file")" = "$line" ]; then
	free
	rm -f "$file" || fail write "$file"
	[ "$made" = - ] || rmdir "$made" || fail write "$made"
else
	tries=0
	while :; do
		seen=$(cat "$file" && echo x)
		cp -p "$file" "$new" || fail write "$new"
		if [ "$size" != - ] && [ "$(tail -c "+$((size + 1))" "$file" | grep -v '^$')" = "$line" ]; then
			head -c "$size" "$file" >"$new" || fail write "$new"
		else
			grep -v -F -x -e "$line" "$file" >"$new"
			[ $? -le 1 ] || fail write "$new"
		fi
		sync
		[ "$(cat "$file" && echo x)" != "$seen" ] || break # somebody wrote meanwhile: once more
		tries=$((tries + 1))
		[ "$tries" -lt 5 ] || fail changed "$file"
	done
	free
	mv -f "$new" "$file" || fail write "$file"
fi
sync
while [ $# -ge 2 ]; do
	chmod "$1" "$2" || fail chmod "$2"
	shift 2
done
say takenback "$file"
