# shellcheck shell=sh
# drop USER ADDRESS PORT: our drop-in is taken away for good. Where sshd would not have the configuration without
# it, the drop-in is put back and sshd stays as it is.
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ ! -e "$run/pending" ] || fail pending "$run/pending"
[ -e "$dropin" ] || fail nodropin "$dropin"
tested=$(sound "$config") || fail unsound "$tested"
kept=$dropin.kept
mv "$dropin" "$kept" || fail write "$dropin"
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
