# shellcheck shell=sh
# What the verbs that run as root share: where sshd is, how a change is put in force, what is offered.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
passwd='' asked='' alike='' # and nobody's environment is taken for one of these
run=/run/kagiban
config=/etc/ssh/sshd_config
dropin=/etc/ssh/sshd_config.d/00-kagiban.conf
sshd=$(command -v sshd) || sshd=/usr/sbin/sshd

# privileged: the folder that Debian's sshd wants before it tests anything is there; it is missing as long as ssh.socket has not started
# the service. It stays there: taken away, it might be taken from an sshd that just starts.
privileged() { [ -d /run/sshd ] || mkdir -m 755 /run/sshd; }

# sound CONFIG: would sshd accept this configuration?
sound() {
	privileged
	"$sshd" -t -f "$1" 2>&1
}

# manner: how a change comes into force on this host.
#   socket UNIT   systemd holds the port: HUP would kill the service, so it is restarted
#   socket -      each connection starts an sshd of its own, or none runs yet: nothing to do
#   reload UNIT   systemd's own reload
#   hup PID       the listener reads its files again
#   script PATH   init.d
manner() {
	if [ -d /run/systemd/system ]; then
		socket='' service=-
		# shellcheck disable=SC2046 # a word for each
		set -- $(systemctl is-active ssh.socket sshd.socket sshd.service ssh.service 2>/dev/null)
		for unit in ssh.socket sshd.socket sshd.service ssh.service; do
			case ${1-}/$unit in
			active/*.socket) socket=yes ;;
			active/*.service | reloading/*.service | refreshing/*.service) service=$unit ;;
			esac
			[ $# = 0 ] || shift
		done
		if [ "$socket" ]; then
			echo "socket $service"
			return 0
		elif [ "$service" != - ]; then
			echo "reload $service"
			return 0
		fi
	fi
	for file in /run/sshd.pid /var/run/sshd.pid; do
		pid=
		[ ! -s "$file" ] || read -r pid <"$file"
		# An sshd that was killed leaves its number behind, and another process may have it now.
		title=
		[ -z "$pid" ] || read -r title 2>/dev/null <"/proc/$pid/comm"
		case $title in sshd*)
			echo "hup $pid"
			return 0
			;;
		esac
	done
	for file in /etc/init.d/ssh /etc/init.d/sshd; do
		if [ -x "$file" ]; then
			echo "script $file"
			return 0
		fi
	done
	return 1
}

# in_force: what is on disk becomes what is served, by $how. Never with a configuration that sshd refuses: a HUP would
# then kill the listener, and with it the last door. That is 2.
in_force() {
	sound "$config" >/dev/null || return 2
	how=$(manner) || return 1
	case $how in
	"socket -") ;;
	socket*) systemctl restart "${how#* }" ;;
	reload*) systemctl reload "${how#* }" ;;
	hup*) kill -HUP "${how#* }" ;;
	script*) "${how#* }" reload >/dev/null 2>&1 ;;
	esac
}

# offered USER ADDRESS PORT: what the running sshd offers, asked over the wire as any client would. Where the
# server has no ssh client: what its configuration says instead.
offered() {
	if command -v ssh >/dev/null 2>&1; then
		# The quickest key exchange first: this connection carries no secret. An ssh or sshd that knows no such wish is asked without it.
		for wish in -oKexAlgorithms=^curve25519-sha256 -oBatchMode=yes; do
			methods=$(ssh -F /dev/null "$wish" -o BatchMode=yes -o PreferredAuthentications=none -o ConnectTimeout=5 \
				-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null \
				-p "$3" -l "$1" -- "$2" true </dev/null 2>&1)
			case $methods in *"Permission denied ("*")"*) break ;; esac
			methods=''
		done
		methods=${methods##*"Permission denied ("}
		echo "${methods%%")"*}"
	else
		echo "config:$("$sshd" -T 2>/dev/null | grep -i -E '^(password|kbdinteractive|challengeresponse)auth|^authenticationmethods' | tr ' \n' '=,')"
	fi
}

# nap: a moment; a second, where sleep knows no less.
nap() { sleep 0.02 2>/dev/null || sleep 1; }

# uptime_s: seconds since the boot.
uptime_s() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

# unsettled: prints the state of a change that is not over, if there is one, and ": " and what its undo waits for. One that is on its way back is waited for;
# one whose time is over is for overdue to take back: its watcher must have been killed.
unsettled() {
	tries=0
	while [ -e "$run/undoing" ] && [ "$tries" -lt 20 ]; do
		tries=$((tries + 1))
		sleep 1
	done
	for state in undoing confirmed pending; do
		[ -e "$run/$state" ] || continue
		deadline=
		[ "$state" != pending ] || read -r _ deadline _ <"$run/pending"
		[ -n "$deadline" ] && [ "$(cut -d. -f1 /proc/uptime)" -ge "$deadline" ] && continue
		why=$(cat "$run"/*/why 2>/dev/null)
		echo "$state${why:+: $why}"
	done
}

# overdue: nothing may wait here. A change whose time is over is taken back first.
overdue() {
	state=$(unsettled)
	[ -z "$state" ] || fail pending "$run/$state"
	if [ -e "$run/pending" ]; then
		read -r token _ <"$run/pending"
		sh "$run/$token/undo.sh" cancel "$token" >/dev/null
		[ ! -e "$run/pending" ] || fail pending "$run/pending"
	fi
}

# briefly SECONDS COMMAND...: a directory of many thousand people, or years of logs, must not hold us up. 124 or more: it was cut short.
briefly() {
	limit=$1
	shift
	if command -v timeout >/dev/null 2>&1; then timeout "$limit" "$@"; else "$@"; fi
}

# listed passwd|shadow|group: with what name services add to the file; where these are slow, the file at least.
listed() {
	{ command -v getent >/dev/null 2>&1 && briefly 5 getent "$1"; } || cat "/etc/$1"
}

# settings WHO OPTION...: what sshd would make of its configuration for WHO who comes from $from; $alike, where it is the same for all.
settings() {
	if [ -n "$alike" ]; then
		printf '%s\n' "$alike"
		return
	fi
	name=$1
	shift
	privileged
	"$sshd" -T "$@" -C "user=$name,host=$from,addr=$from,laddr=${to:-0.0.0.0},lport=${port:-22}" 2>/dev/null
}

# deciding: of that, what decides who may come in, and by what.
deciding() {
	grep -i -E '^(passwordauth|kbdinteractiveauth|challengeresponseauth|authenticationmethods|authorizedkeysfile|strictmodes|pubkeyauthentication|pubkeyaccepted|permitemptypasswords|permitrootlogin|requiredrsasize|listenaddress|forcecommand|chrootdirectory|subsystem|(allow|deny)(users|groups))'
}

# effective USER ADDRESS OPTION...: what sshd makes of its configuration: for everybody, for USER who comes from ADDRESS, and for
# every account that can log in to a shell, root among them; those whose names stand in $asked have been told already.
effective() {
	user=$1 from=$2
	shift 2
	# Where a Match asks for the port, sshd must be told of a login; then it is that of nobody.
	common=$({ { [ -z "$alike" ] && "$sshd" -T "$@" 2>/dev/null; } || settings kagiban-nobody "$@"; } | deciding)
	tell effective "$common"
	{
		printf '%s\n' "$asked" :: "$user:"
		if [ -n "$passwd" ]; then printf '%s\n' "$passwd"; else listed passwd; fi
	} | awk -F: '
		$0 == "::" { on = 1; next }
		!on { told[$1]; next }
		$1 == "" || $1 in told || $7 ~ /(nologin|false|sync|shutdown|halt)$/ { next }
		{ print $1; told[$1]; if (++n > 200) exit }' | while read -r who; do
		[ -n "$alike" ] || common=$(settings "$who" "$@" | deciding)
		tell "effective $who" "$common"
	done
}
