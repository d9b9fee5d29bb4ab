# shellcheck shell=sh
# drop USER ADDRESS PORT: our drop-in is taken away for good. Where sshd would not have the configuration without
# it, the drop-in is put back and sshd stays as it is.
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ ! -e "$run/pending" ] || fail pending "$run/pending"
kept=$dropin.kept
{ [ -e "$dropin" ] || [ -e "$kept" ]; } || fail nodropin "$dropin"
tested=$(sound "$config") || fail unsound "$tested"
[ ! -e "$dropin" ] || mv "$dropin" "$kept" || fail write "$dropin" # else an earlier drop was cut short here
back() {
	mv -f "$kept" "$dropin"
	in_force
	fail "$@"
}
tested=$(sound "$config") || back unsound "$tested"
in_force || back reload "$(manner)"
rm -f "$kept"
sync
say dropped "$(offered "$1" "$2" "$3")"
