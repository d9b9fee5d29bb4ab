# shellcheck shell=sh
# The account of a new user, as far as a change that waits for its confirmation goes. The account is made for good, without a password.
# What opens it lies in the change's folder, in /run: the key, to which authorized_keys is only a link; and what sudo is told, which
# the file in sudoers.d only includes. So an undo takes both away by emptying that folder, and so does a reboot.
#
# In the change's folder: user (the name), authorized_keys, sudoers/kagiban-NAME; sudoers.waiting and sudoers.before are what stands in
# sudoers.d until the confirmation, and what stood there before; folder: ~/.ssh was not there.

sudoers=/etc/sudoers.d

# as NAME COMMAND...: as that user, in its home folder. Where a user may have put links, root writes nothing.
as() {
	who=$1
	shift
	at=$(getent passwd "$who" | cut -d: -f6)
	(cd "$at" && umask 077 && setpriv --reuid "$(id -u "$who")" --regid "$(id -g "$who")" --init-groups env HOME="$at" "$@")
}

# prepare NAME LINE SUDOERS: all that opens the account, where nobody reads it yet. LINE or SUDOERS is empty where nothing is needed.
prepare() {
	echo "$1" >"$here/user" || fail write "$here"
	if [ -n "$2" ]; then
		{ printf '%s\n' "$2" >"$here/authorized_keys" && chmod 644 "$here/authorized_keys"; } || fail write "$here"
	fi
	[ -n "$3" ] || return 0
	file=$here/sudoers/kagiban-$1
	{ mkdir "$here/sudoers" && printf '%s' "$3" >"$file" && chmod 440 "$file" && cat >"$here/sudoers.waiting"; } <<-END || fail write "$here"
		# kagiban: not confirmed yet. After a reboot, or without a confirmation, this file says nothing.
		#includedir $here/sudoers
	END
	chmod 440 "$here/sudoers.waiting"
	for file in "$file" "$here/sudoers.waiting"; do
		tested=$(visudo -cf "$file" 2>&1) || fail sudoers "$(printf '%s\n' "$tested" | head -n 1)"
	done
	file=$sudoers/kagiban-$1
	if [ -e "$file" ] && ! waiting <"$file"; then
		cp -p "$file" "$here/sudoers.before" || fail write "$here"
	fi
}

# admit NAME HOME SHELL GROUP: the account is made, if HOME is not "-", and what was prepared opens it.
admit() {
	if [ "$2" != - ]; then
		set -- "$1" "$2" "$3" "$4" --create-home --home-dir "$2" --shell "$3" --user-group --password '*'
		[ "$4" = - ] || set -- "$@" --groups "$4"
		name=$1
		shift 4
		told=$(useradd "$@" "$name" 2>&1) || refuse useradd "$(printf '%s\n' "$told" | tail -n 1)"
		say made "$name"
		set -- "$name"
	fi
	if [ -e "$here/authorized_keys" ]; then
		[ -d "$(getent passwd "$1" | cut -d: -f6)/.ssh" ] || true >"$here/folder"
		chmod 711 "$run" "$here" # sshd reads the key as that user
		# shellcheck disable=SC2016 # the inner shell's words
		told=$(as "$1" sh -c 'mkdir -p .ssh || exit 1
			case $(readlink .ssh/authorized_keys) in /run/kagiban/*) [ -e .ssh/authorized_keys ] || rm -f .ssh/authorized_keys ;; esac # of before a reboot
			ln -s "$0" .ssh/authorized_keys' "$here/authorized_keys" 2>&1) || refuse keys "$(printf '%s\n' "$told" | tail -n 1)"
	fi
	if [ -e "$here/sudoers.waiting" ]; then
		place "$sudoers/kagiban-$1" 440 <"$here/sudoers.waiting" || refuse write "$sudoers"
	fi
	sync
	say admitted "$1"
}

# admitted: what opens the account becomes lasting. It is the door, so it comes before what closes another.
admitted() {
	[ -e "$here/user" ] || return 0
	name=$(cat "$here/user")
	if [ -e "$here/authorized_keys" ]; then
		# shellcheck disable=SC2016
		as "$name" sh -c 'new=.ssh/.authorized_keys.kagiban.$$
			[ "$(readlink .ssh/authorized_keys)" != "$0" ] || { cat "$0" >"$new" && sync && mv -f "$new" .ssh/authorized_keys; }' "$here/authorized_keys" || return 1
	fi
	if [ -e "$here/sudoers.waiting" ]; then
		place "$sudoers/kagiban-$name" 440 <"$here/sudoers/kagiban-$name" || return 1
	fi
	sync
}

# dismiss: the account is shut again: no key, no sudo, and it never had a password. It stays.
dismiss() {
	[ -e "$here/user" ] || return 0
	name=$(cat "$here/user") file=$sudoers/kagiban-$name
	if [ -e "$here/authorized_keys" ]; then
		# shellcheck disable=SC2016
		as "$name" sh -c 'keys=.ssh/authorized_keys
			if [ "$(readlink $keys)" = "$0" ] || [ "$(cat $keys)" = "$(cat "$0")" ]; then rm -f $keys; fi
			[ ! -e "$1" ] || rmdir .ssh' "$here/authorized_keys" "$here/folder" 2>/dev/null
	fi
	rm -rf "$here/authorized_keys" "$here/sudoers" # wherever nothing can be written: now the link leads nowhere, and nothing is included
	if [ -e "$here/sudoers.before" ]; then
		place "$file" 440 <"$here/sudoers.before"
	elif [ -e "$here/sudoers.waiting" ]; then
		rm -f "$file" 2>/dev/null || waiting <"$file"
	fi
}

# stays NAME: was the change that made this user confirmed? What a reboot has ended is cleared away.
stays() {
	file=$sudoers/kagiban-$1 keys=$(getent passwd "$1" | cut -d: -f6)/.ssh/authorized_keys
	[ ! -e "$file" ] || ! waiting <"$file" || rm -f "$file"
	# shellcheck disable=SC2016
	[ "$(readlink "$keys")" != "$run/$token/authorized_keys" ] || as "$1" rm -f .ssh/authorized_keys
	[ -e "$file" ] || { [ -f "$keys" ] && [ ! -L "$keys" ]; }
}
