# shellcheck shell=sh
# stage CONFIG DROPIN UNDO USER ADDRESS: everything that the change needs is put into /run/kagiban, and the
# configuration as it will be is tried there. Nothing that sshd reads is touched.
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
[ -d "${dropin%/*}" ] || fail nofolder "${dropin%/*}"
[ ! -L "$run" ] || fail write "$run"
{ mkdir -p "$run" && chmod 700 "$run" && chown 0:0 "$run"; } || fail write "$run"
if [ -e "$run/pending" ]; then
	read -r token deadline _ <"$run/pending"
	[ "$(cut -d. -f1 /proc/uptime)" -ge "$deadline" ] || fail pending "$run/pending"
	# Its watcher must have been killed: what it could not do is done now.
	sh "$run/undo.sh" cancel "$token" >/dev/null
fi
tries=0
while [ -e "$run/undoing" ] && [ "$tries" -lt 20 ]; do # an earlier change is on its way back
	tries=$((tries + 1))
	sleep 1
done
{ [ ! -e "$run/pending" ] && [ ! -e "$run/undoing" ]; } || fail pending "$run/undoing"
{ printf '%s' "$1" >"$run/rehearse.conf" && printf '%s' "$2" >"$run/key-only.conf" &&
	printf '%s' "$3" >"$run/undo.sh"; } || fail write "$run"

tested=$(sound "$run/rehearse.conf")
say sound $?
printf '%s\n' "$tested" | text tested
[ -d /run/sshd ] || mkdir -m 755 /run/sshd
"$sshd" -T -f "$run/rehearse.conf" 2>/dev/null | text effective
for who in "$4" root; do
	"$sshd" -T -f "$run/rehearse.conf" -C "user=$who,host=$5,addr=$5" 2>/dev/null | text "effective $who"
done
say sshd "$sshd"
