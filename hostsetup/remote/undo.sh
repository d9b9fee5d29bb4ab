# shellcheck shell=sh
# undo: the switch that gives a server its old sshd back by itself. It lies in /run/kagiban/TOKEN with the change that
# it guards, so a reboot ends both: the drop-in only includes a file that is gone then.
#
#   arm TOKEN SECONDS USER ADDRESS PORT   start the watcher; from here on silence means undo
#   apply TOKEN                           place the drop-in, put it in force
#   confirm TOKEN FILE BLOB               the drop-in becomes lasting, if the key BLOB is in FILE still
#   cancel TOKEN                          undo now, and wait until it is done
#   forget TOKEN                          it was staged and never armed: its folder goes
#   watch TOKEN                           (the watcher itself)
#
# /run/kagiban/pending holds "TOKEN DEADLINE USER ADDRESS PORT OFFERED". It is made by link(2), so only one client
# can arm, and taken away by rename(2), to confirmed or to undoing, so either of the two happens and never both. What a
# rename has decided is carried to its end by whoever is there: confirm, cancel, or the watcher. The deadline is
# in seconds of uptime, which no change of the clock moves. See docs/on-the-server.md.
verb=$1 token=$2
here=$run/$token

uptime_s() { cut -d. -f1 /proc/uptime; }

# load FILE: is it ours? Then its fields are in p_*.
load() {
	p_token='' p_deadline=0
	[ -f "$1" ] && read -r p_token p_deadline p_user p_address p_port p_offered <"$1" && [ "$p_token" = "$token" ]
}

# restore: the drop-in is what it was before apply: gone, or its old text.
restore() {
	if [ -e "$here/before.conf" ]; then
		cmp -s "$here/before.conf" "$dropin" || place "$dropin" <"$here/before.conf"
	else
		rm -f "$dropin"
	fi
}

# settled: the running sshd offers again what it offered before. It is asked more than once: while it reads its
# files again, nobody answers. A configuration that somebody else broke meanwhile is not ours to mend: then this is
# false, and is tried again.
settled() {
	restore || return 1
	in_force || return 1
	for pause in 0 1 1 2; do
		sleep "$pause"
		[ "$(offered "$p_user" "$p_address" "$p_port")" != "$p_offered" ] || return 0
	done
	return 1
}

# undo: whoever renames pending does it. Touches our own file only, and is not over before it has worked.
undo() {
	if load "$run/pending"; then
		mv "$run/pending" "$run/undoing" 2>/dev/null
	fi
	load "$run/undoing" || return 0
	wait_s=1
	until settled; do
		sleep "$wait_s"
		[ "$wait_s" -ge 30 ] || wait_s=$((wait_s * 2))
	done
	sync
	mv "$run/undoing" "$run/undone" 2>/dev/null
}

# keep: what was confirmed becomes lasting. Doing it twice does no harm.
keep() {
	place "$dropin" <"$here/key-only.conf" || return 1
	rm -f "$run/confirmed"
}

watch() {
	exec >/dev/null 2>&1
	echo $$ >"$here/watcher"
	while load "$run/pending"; do
		if [ "$(uptime_s)" -ge "$p_deadline" ] || [ -e "$here/cancel" ]; then
			break
		fi
		sleep 1
	done
	while load "$run/confirmed" && ! keep; do # confirm was killed on its way
		sleep 1
	done
	undo
	rm -rf "$here"
}

watched() { [ -s "$here/watcher" ] && kill -0 "$(cat "$here/watcher")" 2>/dev/null; }

start_watcher() {
	if [ -d /run/systemd/system ]; then
		systemd-run --quiet --collect --unit="kagiban-undo-$token" -p Restart=on-failure -p RestartSec=1 \
			-p StartLimitIntervalSec=0 /bin/sh "$here/undo.sh" watch "$token" >/dev/null 2>&1
	elif command -v setsid >/dev/null 2>&1; then
		setsid sh "$here/undo.sh" watch "$token" </dev/null >/dev/null 2>&1 &
	else
		nohup sh "$here/undo.sh" watch "$token" </dev/null >/dev/null 2>&1 &
	fi
	tries=0
	until watched; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || return 1
		sleep 1
	done
}

arm() { # SECONDS USER ADDRESS PORT
	{ [ ! -e "$run/undoing" ] && [ ! -e "$run/confirmed" ]; } || fail pending "$run"
	sound "$config" >/dev/null || fail unsound "$(sound "$config" | head -n 1)"
	rm -f "$run/undone"
	before=$(offered "$2" "$3" "$4")
	[ -n "$before" ] || fail offers "$3 $4"
	echo "$token $(($(uptime_s) + $1)) $2 $3 $4 $before" >"$here/new" || fail write "$here"
	ln "$here/new" "$run/pending" 2>/dev/null || fail pending "$run/pending"
	rm -f "$here/new"
	start_watcher || {
		rm -f "$run/pending"
		fail watcher "$here"
	}
	say armed "$before"
}

apply() {
	load "$run/pending" || fail notarmed "$token"
	watched || fail watcher "$here"
	[ ! -e "$dropin" ] || cp -p "$dropin" "$here/before.conf" || fail write "$here"
	place "$dropin" <<-END || refuse write "$dropin"
		# kagiban: not confirmed yet. After a reboot, or without a confirmation, this file says nothing.
		Include $here/key-only.conf
	END
	sound "$config" >/dev/null || refuse unsound "$(sound "$config" | head -n 1)"
	in_force || refuse reload "$(manner)"
	say applied "$(manner)"
}

# refuse WHAT DETAIL: apply could not be done, so it is undone before anybody is told.
refuse() {
	cancel
	fail "$@"
}

confirm() { # FILE BLOB
	trap '' HUP PIPE TERM # from here on it is not the client's link that decides
	load "$run/pending" || fail toolate "$token"
	[ "$(uptime_s)" -lt "$p_deadline" ] || fail toolate "$token"
	sound "$config" >/dev/null || fail unsound "$(sound "$config" | head -n 1)"
	grep -F -q -e "$2" "$1" || fail keygone "$1"
	mv "$run/pending" "$run/confirmed" 2>/dev/null || fail toolate "$token"
	keep || {
		mv "$run/confirmed" "$run/undoing"
		undo
		fail write "$dropin"
	}
	say confirmed "$dropin"
	rm -rf "$here"
	rmdir "$run" 2>/dev/null
}

# cancel: the watcher does the work, so that two never do it at once; where it is dead, it is done here. What was
# confirmed is not undone: then that is the answer.
cancel() {
	if load "$run/confirmed"; then
		keep
		fail confirmed "$dropin"
	fi
	if ! load "$run/pending" && ! load "$run/undoing"; then
		# Not ours any more: if a lasting drop-in stands, it was confirmed.
		load "$run/undone" || ! grep -q '^# Written by kagiban' "$dropin" 2>/dev/null || fail confirmed "$dropin"
		rm -rf "$here"
		say undone "$token"
		return 0
	fi
	: >"$here/cancel"
	tries=0
	while ! load "$run/undone" && [ "$tries" -lt 30 ]; do
		watched || undo
		! load "$run/confirmed" || fail confirmed "$dropin"
		tries=$((tries + 1))
		sleep 1
	done
	load "$run/undone" || fail undoing "$token"
	rm -rf "$here"
	say undone "$p_offered"
}

forget() {
	for state in pending undoing confirmed; do
		! load "$run/$state" || fail pending "$state"
	done
	rm -rf "$here"
	rmdir "$run" 2>/dev/null
	say forgotten "$token"
}

case $verb in
arm | confirm)
	shift 2
	"$verb" "$@"
	;;
apply | cancel | forget | watch) "$verb" ;;
esac
