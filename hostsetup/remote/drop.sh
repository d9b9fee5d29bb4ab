# shellcheck shell=sh
# drop USER ADDRESS PORT: our drop-in or block is taken away for good. Where sshd would not have the configuration without
# it, it is put back and sshd stays as it is.
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
late=
[ ! -e "$run/pending" ] || late=yes # then it was all that there was
overdue
kept=$dropin.kept
{ [ "$late" ] || [ -e "$dropin" ] || [ -e "$kept" ] || [ -n "$(block)" ]; } || fail nodropin "$dropin"
tested=$(sound "$config") || fail unsound "$tested"
before=$(cat "$config" && echo x)
back() {
	[ ! -e "$kept" ] || mv -f "$kept" "$dropin"
	[ "$(cat "$config" && echo x)" = "$before" ] || printf %s "${before%x}" | rewrite "$config"
	in_force
	fail "$@"
}
[ ! -e "$dropin" ] || mv "$dropin" "$kept" || fail write "$dropin" # else an earlier drop was cut short here
unblock || back write "$config"
tested=$(sound "$config") || back unsound "$tested"
in_force || back reload "$(manner)"
rm -f "$kept"
sync
say dropped "$(offered "$1" "$2" "$3")"
