# shellcheck shell=sh
# stage TOKEN CONFIG TEXT UNDO USER ADDRESS WHERE: everything that the change needs is put into /run/kagiban/TOKEN, and the
# configuration as it will be is tried there. Nothing that sshd reads is touched, and nothing of another client's.
# TEXT is what will stand: in the drop-in, or (WHERE is "block") at line 1 of sshd_config, or ("nowhere") it will not: sshd is as it should be.
here=$run/$1
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ "$7" != drop-in ] || [ -d "${dropin%/*}" ] || fail nofolder "${dropin%/*}"
[ ! -L "$run" ] || fail write "$run"
if [ -d "$run" ]; then chmod 711 "$run" && chown 0:0 "$run"; else (umask 066 && mkdir "$run"); fi || fail write "$run"
overdue
{ mkdir "$here" && { [ "$7" != block ] || true >"$here/block"; } && printf '%s' "$2" >"$here/rehearse.conf" && printf '%s' "$3" >"$here/key-only.conf" &&
	printf '%s' "$4" >"$here/undo.sh"; } || {
	rm -rf "$here"
	fail write "$here"
}
rehearsal "$here" "$5" "$6"
