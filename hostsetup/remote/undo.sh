# shellcheck shell=sh
# undo: the switch that gives a server its old sshd back by itself. It lies in /run/kagiban/TOKEN with the change that
# it guards, so a reboot ends both: the drop-in only includes a file that is gone then.
#
#   create TOKEN SECONDS USER ADDRESS PORT NAME HOME SHELL GROUP LINE SUDOERS
#                                         start the watcher: from here on silence means undo. Then let a new user in (account.sh)
#   enforce TOKEN SECONDS USER ADDRESS PORT   likewise, unless create has started it; then put the change in force
#   confirm TOKEN FILE BLOB               the drop-in becomes lasting, if the key BLOB is in FILE still
#   cancel TOKEN [NAME]                   undo now, and wait until it is done; NAME is the new user
#   forget TOKEN                          it was staged and never armed: its folder goes
#   watch TOKEN, mind TOKEN               (the watcher itself, and who starts it anew)
#   recover boot                          (at boot, before sshd: a block that waits for its confirmation is taken out)
#
# /run/kagiban/pending holds "TOKEN DEADLINE USER ADDRESS PORT OFFERED". It is made by link(2), so only one client
# can arm, and taken away by rename(2), to confirmed or to undoing, so either of the two happens and never both. What a
# rename has decided is carried to its end by whoever is there: confirm, cancel, or the watcher. The deadline is
# in seconds of uptime, which no change of the clock moves. See docs/on-the-server.md.
verb=$1 token=$2
here=$run/$token

# load FILE: is it ours? Then its fields are in p_*.
load() {
	p_token='' p_deadline=0
	[ -f "$1" ] && read -r p_token p_deadline p_user p_address p_port p_offered <"$1" && [ "$p_token" = "$token" ]
}

# A change that is a block, not a drop-in, has a file of that name in its folder.

# ours: what stands of ours, where this change stands.
ours() {
	if [ -e "$here/block" ]; then block; elif [ -e "$dropin" ]; then cat "$dropin"; fi
}

# stand FILE: what FILE says stands, in place of what stood of ours. $() would drop a last newline, so an x guards it.
stand() {
	if [ -e "$here/block" ]; then
		all=$(cat "$1" && unblocked && echo x) && printf %s "${all%x}" | rewrite "$config"
	else
		place "$dropin" <"$1"
	fi
}

# gone: nothing of ours stands where this change stood.
gone() {
	if [ -e "$here/block" ]; then unblock; else rm -f "$dropin"; fi
}

# includes: does this sshd know Include? It came with OpenSSH 8.2.
includes() {
	echo "Include $here/none/*" >"$here/try.conf"
	! "$sshd" -t -f "$here/try.conf" 2>&1 | grep -q -i 'bad configuration option'
}

# restore: what stood of ours before stands again.
restore() {
	[ -e "$here/placed" ] || return 0
	if [ ! -e "$here/before.conf" ]; then
		gone || return 1
	elif [ "$(ours)" != "$(cat "$here/before.conf")" ]; then
		stand "$here/before.conf" || return 1
	fi
	recovery off
}

# typed_in_files: do the files that sshd reads let somebody in who types?
typed_in_files() {
	"$sshd" -T -C "user=$p_user,host=$p_address,addr=$p_address,laddr=$p_address,lport=$p_port" 2>/dev/null | awk '
		{ k = tolower($1); v = tolower($0) }
		k == "authenticationmethods" && v !~ / (any|password|keyboard-interactive)/ { keys = 1 }
		k ~ /^(password|kbdinteractive|challengeresponse)authentication$/ && v !~ / no$/ { typed = 1 }
		END { exit !(typed && !keys) }'
}

# agree OFFERED: does sshd offer what its files say, now that nothing of ours is in them? Where an administrator changed them
# meanwhile, it will never offer again what it did, and that is theirs to decide.
agree() {
	case $1 in
	'') return 1 ;;
	config:*) ;; # there is nobody here to ask it: what could be done was done
	*password* | *keyboard-interactive*) typed_in_files ;;
	*) ! typed_in_files ;;
	esac
}

# settled: the running sshd offers again what it offered before. It is asked more than once: while it reads its
# files again, nobody answers. A configuration that somebody else broke meanwhile is not ours to mend: then this is
# false, and is tried again. Prints why.
settled() {
	[ -e "$here/placed" ] || return 0
	stuck=
	restore || {
		stuck="cannot write ${dropin%/*}"
		true >"$here/key-only.conf" # what stands there includes nothing any more
	}
	tested=$(sound "$config") || stuck="sshd refuses its configuration: $tested"
	told=yes
	in_force || told=no # it may never have had to be: what it offers tells
	for pause in 0 1 1 2; do
		sleep "$pause"
		now=$(offered "$p_user" "$p_address" "$p_port")
		[ "$now" != "$p_offered" ] || [ "$told${now%%:*}" = noconfig ] || { [ "$told" = no ] && [ -e "$here/root" ]; } || return 0
	done
	[ "$told" = yes ] || stuck=${stuck:-sshd could not be told to read its files again}
	[ -n "$stuck" ] || agree "$now" || stuck="sshd still offers ${now:-nothing}, not $p_offered"
	[ -z "$stuck" ] || { echo "$stuck" && return 1; }
	typed_in_files || true >"$here/shut"
}

# parted: the new user is shut out again; unless sshd does not let in any more who it let in before, by what somebody else has
# told it: then that user's key may be all that opens the server.
parted() {
	if [ -e "$here/shut" ]; then admitted; else dismiss; fi || { echo "cannot write $sudoers" && return 1; }
}

# worker: is it for this process to undo, or to keep? One at a time does it: the first to make the file; when that one was killed,
# the one whose number stands in it a second later.
worker() {
	echo $$ >"$here/claim.$$" && ln "$here/claim.$$" "$here/worker" 2>/dev/null
	rm -f "$here/claim.$$"
	! at_work || return 0
	! alive worker || return 1
	echo $$ >"$here/worker"
	sleep 1
	at_work
}

at_work() { read -r number <"$here/worker" && [ "$number" = $$ ]; }

# undo: whoever renames pending does it. Touches our own text only, and is not over before it has worked; why it waits is in
# the system's log, and in $here/why for the next run to tell.
undo() {
	if load "$run/pending"; then
		mv "$run/pending" "$run/undoing" 2>/dev/null
	fi
	wait_s=1
	while load "$run/undoing"; do
		if ! worker; then
			sleep 1
		elif why=$(settled && parted); then
			sync
			mv "$run/undoing" "$run/undone" 2>/dev/null
		else
			why=$(printf '%s\n' "$why" | head -n 1)
			[ "$why" = "$(cat "$here/why" 2>/dev/null)" ] || logger -t kagiban "the undo waits: $why" 2>/dev/null
			echo "$why" >"$here/why"
			sleep "$wait_s"
			[ "$wait_s" -ge 30 ] || wait_s=$((wait_s * 2))
		fi
	done
}

# keep: what was confirmed becomes lasting, by one process.
keep() {
	while load "$run/confirmed"; do
		if worker; then
			admitted || return 1
			[ ! -e "$here/placed" ] || stand "$here/key-only.conf" && recovery off || return 1
			sync
			rm -f "$run/confirmed"
		else
			sleep 1
		fi
	done
}

watch() {
	exec >/dev/null 2>&1
	echo $$ >"$here/watcher"
	while load "$run/pending"; do
		if [ "$(uptime_s)" -ge "$p_deadline" ] || [ -e "$here/cancel" ]; then
			break
		fi
		[ -d /run/systemd/system ] || alive minder || { launch mind && running minder; }
		sleep 1
	done
	undo # from here on nobody can confirm, or somebody has
	while load "$run/confirmed" && ! keep; do # confirm was killed on its way
		sleep 1
	done
	undo # or it could not keep it
	rm -rf "$here"
}

# alive NAME: does that process of this change run?
alive() {
	{ [ -s "$here/$1" ] && read -r pid <"$here/$1"; } 2>/dev/null || return 1
	case $({ tr '\000' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) in *"$token"*) ;; *) return 1 ;; esac
}

# launch VERB: starts it, away from this login.
launch() {
	if command -v setsid >/dev/null 2>&1; then
		setsid sh "$here/undo.sh" "$1" "$token" </dev/null >/dev/null 2>&1 &
	else
		nohup sh "$here/undo.sh" "$1" "$token" </dev/null >/dev/null 2>&1 &
	fi
}

running() { # NAME
	late=$(($(uptime_s) + 10))
	until alive "$1"; do
		[ "$(uptime_s)" -le "$late" ] || return 1
		nap
	done
}

# mind: without systemd nobody starts a killed watcher anew; so a second process does, and the watcher does the same for it.
mind() {
	exec >/dev/null 2>&1
	echo $$ >"$here/minder"
	while [ -d "$here" ]; do
		alive watcher || { launch watch && running watcher; }
		sleep 3
	done
}

start_watcher() {
	if [ -d /run/systemd/system ]; then
		systemd-run --quiet --collect --unit="kagiban-undo-$token" -p Restart=on-failure -p RestartSec=1 \
			-p StartLimitIntervalSec=0 /bin/sh "$here/undo.sh" watch "$token" >/dev/null 2>&1
		running watcher
	else
		launch watch && running minder # which the watcher has started
	fi
}

arm() { # SECONDS USER ADDRESS PORT
	{ [ ! -e "$run/undoing" ] && [ ! -e "$run/confirmed" ]; } || fail pending "$run"
	[ ! -e "$run/undone" ] || rm -f "$run/undone"
	before=$(offered "$2" "$3" "$4")
	[ -n "$before" ] || fail offers "$3 $4"
	echo "$token $(($(uptime_s) + $1)) $2 $3 $4 $before" >"$here/new" || fail write "$here"
	ln "$here/new" "$run/pending" 2>/dev/null || fail pending "$run/pending"
	# Since they were looked at, another change may have been confirmed, or begun to go back.
	{ [ ! -e "$run/undoing" ] && [ ! -e "$run/confirmed" ]; } || {
		rm -f "$run/pending"
		fail pending "$run"
	}
	start_watcher || {
		rm -f "$run/pending"
		fail watcher "$here"
	}
	say armed "$before"
}

# apply: the change stands, until it is confirmed as one that a reboot ends: an Include of what is in /run; or, for an sshd that
# knows no Include, itself, and something that takes it out at boot.
apply() {
	own=$config
	[ ! -L "$config" ] || own=$(readlink -f "$config")
	for half in "$dropin".new.* "$own".kagiban.*; do # made when the power was cut; nobody else is at it now
		[ ! -e "$half" ] || rm -f "$half"
	done
	[ -z "$(ours)" ] || ours | waiting || ours >"$here/before.conf" || refuse write "$here"
	what="file"
	[ ! -e "$here/block" ] || what="block"
	{
		[ ! -e "$here/block" ] || echo "$begin"
		echo "# kagiban: not confirmed yet. After a reboot, or without a confirmation, this $what says nothing."
		if [ ! -e "$here/block" ] || includes; then echo "Include $here/key-only.conf"; else grep -v '^#' "$here/key-only.conf"; fi
		[ ! -e "$here/block" ] || echo "$end"
	} >"$here/waiting.conf" || refuse write "$here"
	true >"$here/placed" || refuse write "$here"
	! grep -q '^PermitRootLogin' "$here/key-only.conf" || true >"$here/root"
	[ ! -e "$here/block" ] || includes || recovery on "$here/undo.sh" || refuse norecovery "$recover"
	stand "$here/waiting.conf" || refuse write "${dropin%/*}"
	in_force || case $? in
	2) # sshd was not told, so nothing is to be undone but the file; somebody else broke what stands there, and it need not be waited for
		tested=$(sound "$config" | head -n 1)
		! restore || rm -f "$here/placed"
		refuse unsound "$tested"
		;;
	*) refuse reload "${how-}" ;;
	esac
	load "$run/pending" || { # meanwhile its time was over, and what was undone did not stand yet
		restore
		in_force
		fail toolate "$token"
	}
	[ ! -e "$here/root" ] || say rootlogin "$("$sshd" -T -C "user=root,host=$p_address,addr=$p_address,laddr=$p_address,lport=$p_port" | awk 'tolower($1) == "permitrootlogin" { print $2 }')"
	say applied "$how"
}

# recover: runs at boot. In /run is nothing then; if there is, this is no boot but somebody who starts sshd anew.
recover() {
	[ ! -d "$run" ] || return 0
	if block | waiting; then unblock || return 1; fi
	recovery off
}

# refuse WHAT DETAIL: apply could not be done, so it is undone before anybody is told.
refuse() {
	cancel "$(cat "$here/user" 2>/dev/null)"
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

# cancel NAME: the watcher does the work, so that two never do it at once; where it is dead, it is done here. What was
# confirmed is not undone: then that is the answer.
cancel() {
	if load "$run/confirmed"; then
		keep
		fail confirmed "$dropin"
	fi
	if ! load "$run/pending" && ! load "$run/undoing"; then
		# Not ours any more: if a lasting drop-in stands, it was confirmed.
		load "$run/undone" || ! { if [ "$1" ]; then stays "$1"; else lasting; fi; } || fail confirmed "$dropin"
		# A reboot ended it: what it left of its text says nothing.
		! grep -q -F "$run/$token/" "$dropin" 2>/dev/null || rm -f "$dropin"
		! block | grep -q -F "$run/$token/" || unblock
		rm -rf "$here"
		say undone "$token"
		return 0
	fi
	true >"$here/cancel"
	tries=0
	while ! load "$run/undone" && [ "$tries" -lt 30 ]; do
		alive watcher || undo
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
create)
	shift 2
	prepare "$5" "$9" "${10}"
	arm "$1" "$2" "$3" "$4"
	admit "$5" "$6" "$7" "$8"
	true
	;;
enforce)
	shift 2
	if [ ! -e "$here/user" ]; then
		arm "$@"
	elif ! load "$run/pending" || [ "$(($(uptime_s) + 3))" -ge "$p_deadline" ]; then
		fail toolate "$token"
	fi
	apply
	true # what failed has said so
	;;
confirm)
	shift 2
	confirm "$@"
	true
	;;
cancel | forget)
	# From the folder, if it is there: a process that works there is known by its name.
	[ "$verb" = forget ] || [ "$0" = "$here/undo.sh" ] || [ ! -e "$here/undo.sh" ] || exec sh "$here/undo.sh" cancel "$token" "${3-}"
	"$verb" "${3-}"
	true
	;;
watch | mind | recover) "$verb" ;;
esac
