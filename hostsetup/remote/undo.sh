# shellcheck shell=sh
# undo: the switch that gives a server its old sshd back by itself. It lies in /run/kagiban with the change that
# it guards, so a reboot ends both: the drop-in only includes a file that is gone then.
#
#   arm TOKEN SECONDS USER ADDRESS PORT   start the watcher; from here on silence means undo
#   apply TOKEN                           place the drop-in, put it in force
#   confirm TOKEN                         the drop-in becomes lasting; the watcher ends
#   cancel TOKEN                          undo now, and wait until it is done
#   watch TOKEN                           (the watcher itself)
#
# /run/kagiban/pending holds "TOKEN DEADLINE USER ADDRESS PORT OFFERED". It is made by link(2), so only one client
# can arm, and taken away by rename(2), so either confirm or undo wins, never both. The deadline is in seconds
# of uptime, which no change of the clock moves. See docs/on-the-server.md.
verb=$1 token=$2

uptime_s() { cut -d. -f1 /proc/uptime; }

# load FILE: is it ours? Then its fields are in p_*.
load() {
	p_token='' p_deadline=0
	[ -f "$1" ] && read -r p_token p_deadline p_user p_address p_port p_offered <"$1" && [ "$p_token" = "$token" ]
}

# settled: the running sshd offers again what it offered before. It is asked more than once: while it reads its
# files again, nobody answers. A configuration that somebody else broke meanwhile is not ours to mend: then this is
# false, and is tried again.
settled() {
	[ ! -e "$dropin" ] || return 1
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
	rm -f "$dropin" "$dropin.new"
	wait_s=1
	until settled; do
		sleep "$wait_s"
		[ "$wait_s" -ge 30 ] || wait_s=$((wait_s * 2))
	done
	sync
	mv "$run/undoing" "$run/undone"
}

watch() {
	exec >/dev/null 2>&1
	echo $$ >"$run/watcher.$token"
	while load "$run/pending"; do
		if [ "$(uptime_s)" -ge "$p_deadline" ] || [ -e "$run/cancel.$token" ]; then
			break
		fi
		sleep 1
	done
	undo
	rm -f "$run/watcher.$token" "$run/cancel.$token"
}

watched() { [ -s "$run/watcher.$token" ] && kill -0 "$(cat "$run/watcher.$token")" 2>/dev/null; }

start_watcher() {
	if [ -d /run/systemd/system ]; then
		systemd-run --quiet --collect --unit="kagiban-undo-$token" -p Restart=on-failure -p RestartSec=1 \
			-p StartLimitIntervalSec=0 /bin/sh "$run/undo.sh" watch "$token" >/dev/null 2>&1
	elif command -v setsid >/dev/null 2>&1; then
		setsid sh "$run/undo.sh" watch "$token" </dev/null >/dev/null 2>&1 &
	else
		nohup sh "$run/undo.sh" watch "$token" </dev/null >/dev/null 2>&1 &
	fi
	tries=0
	until watched; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || return 1
		sleep 1
	done
}

arm() { # SECONDS USER ADDRESS PORT
	[ ! -e "$run/undoing" ] || fail pending "$run/undoing"
	sound "$config" >/dev/null || fail unsound "$(sound "$config" | head -n 1)"
	rm -f "$run/undone" "$run/new.$token"
	before=$(offered "$2" "$3" "$4")
	[ -n "$before" ] || fail offers "$3 $4"
	echo "$token $(($(uptime_s) + $1)) $2 $3 $4 $before" >"$run/new.$token" || fail write "$run"
	ln "$run/new.$token" "$run/pending" 2>/dev/null || fail pending "$run/pending"
	rm -f "$run/new.$token"
	start_watcher || {
		rm -f "$run/pending"
		fail watcher "$run"
	}
	say armed "$before"
}

apply() {
	load "$run/pending" || fail notarmed "$token"
	watched || fail watcher "$run"
	place "$dropin" <<-END || refuse write "$dropin"
		# kagiban: not confirmed yet. After a reboot, or without a confirmation, this file says nothing.
		Include $run/key-only.conf
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

confirm() {
	load "$run/pending" || fail toolate "$token"
	[ "$(uptime_s)" -lt "$p_deadline" ] || fail toolate "$token"
	sound "$config" >/dev/null || fail unsound "$(sound "$config" | head -n 1)"
	mv "$run/pending" "$run/confirmed" 2>/dev/null || fail toolate "$token"
	place "$dropin" <"$run/key-only.conf" || {
		mv "$run/confirmed" "$run/undoing"
		undo
		fail write "$dropin"
	}
	say confirmed "$dropin"
	rm -rf "$run"
}

# cancel: the watcher does the work, so that two never do it at once; where it is dead, it is done here.
cancel() {
	load "$run/pending" || load "$run/undoing" || {
		say nothing "$token"
		return 0
	}
	: >"$run/cancel.$token"
	tries=0
	while [ ! -e "$run/undone" ] && [ "$tries" -lt 30 ]; do
		watched || undo
		tries=$((tries + 1))
		sleep 1
	done
	[ -e "$run/undone" ] || fail undoing "$p_offered"
	say undone "$p_offered"
}

case $verb in
arm)
	shift 2
	arm "$@"
	;;
apply | confirm | cancel | watch) "$verb" ;;
esac
