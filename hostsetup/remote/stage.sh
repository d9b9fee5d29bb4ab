# shellcheck shell=sh
# stage TOKEN CONFIG DROPIN UNDO USER ADDRESS: everything that the change needs is put into /run/kagiban/TOKEN, and the
# configuration as it will be is tried there. Nothing that sshd reads is touched, and nothing of another client's.
here=$run/$1
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ -d "${dropin%/*}" ] || fail nofolder "${dropin%/*}"
[ ! -L "$run" ] || fail write "$run"
{ mkdir -p "$run" && chmod 700 "$run" && chown 0:0 "$run" && mkdir "$here"; } || fail write "$here"
if [ -e "$run/pending" ]; then
	read -r token deadline _ <"$run/pending"
	[ "$(cut -d. -f1 /proc/uptime)" -ge "$deadline" ] || fail pending "$run/pending"
	# Its watcher must have been killed: what it could not do is done now.
	sh "$run/$token/undo.sh" cancel "$token" >/dev/null
fi
tries=0
while [ -e "$run/undoing" ] && [ "$tries" -lt 20 ]; do # an earlier change is on its way back
	tries=$((tries + 1))
	sleep 1
done
for state in pending undoing confirmed; do
	[ ! -e "$run/$state" ] || fail pending "$run/$state"
done
{ printf '%s' "$2" >"$here/rehearse.conf" && printf '%s' "$3" >"$here/key-only.conf" &&
	printf '%s' "$4" >"$here/undo.sh"; } || fail write "$here"

tested=$(sound "$here/rehearse.conf")
say sound $?
printf '%s\n' "$tested" | text tested
[ -d /run/sshd ] || mkdir -m 755 /run/sshd
effective "$5" "$6" -f "$here/rehearse.conf"
say sshd "$sshd"
