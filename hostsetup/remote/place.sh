# shellcheck shell=sh
# Where the change stands: in the drop-in; or, where no Include reads that folder for everybody, in a block of its own at
# line 1 of sshd_config, between two marks.
begin='# kagiban: begin' end='# kagiban: end'
recover=/etc/ssh/kagiban-recover.sh
unit=/etc/systemd/system/kagiban-recover.service
wanted=/etc/systemd/system/sysinit.target.wants/kagiban-recover.service
defaults=/etc/default/ssh

# place FILE [MODE]: standard input becomes FILE, whole or not at all; where that has to last, sync comes after it. The new file's name does not end in .conf and has a dot in it, so
# that neither sshd nor sudo ever reads half of it.
place() {
	if ! { cat >"$1.new.$$" && chmod "${2:-644}" "$1.new.$$" && sync && mv -f "$1.new.$$" "$1"; }; then
		rm -f "$1.new.$$"
		return 1
	fi
}

# rewrite FILE: likewise, for a file of the administrator's: its mode and owner stay, and a link stays a link.
rewrite() {
	file=$(readlink -f "$1") || return 1
	new=$file.kagiban.$$
	if cp -p "$file" "$new" && cat >"$new" && sync && mv -f "$new" "$file"; then
		sync
	else
		rm -f "$new"
		return 1
	fi
}

# mark WHICH: the number of the line of sshd_config that begins with this mark; nothing if there is none.
mark() { sed -n "/^$1/{=;q;}" "$config"; }

# block: our block in sshd_config, if it has both of its marks.
block() {
	from=$(mark "$begin") to=$(mark "$end")
	if [ -n "$from" ] && [ "${to:-0}" -gt "$from" ]; then
		sed -n "$from,${to}p" "$config"
	fi
}

# unblocked: sshd_config without our block, byte for byte. False where one mark is there without the other: then somebody has
# edited it, and nobody can tell what is theirs.
unblocked() {
	from=$(mark "$begin") to=$(mark "$end")
	if [ -z "$from$to" ]; then
		cat "$config"
	else
		[ -n "$from" ] && [ "${to:-0}" -gt "$from" ] || return 1
		head -n $((from - 1)) "$config" && tail -n "+$((to + 1))" "$config"
	fi
}

# lasting: does something of ours stand that was confirmed?
lasting() { { cat "$dropin" 2>/dev/null; block; } | grep -q '^# Written by kagiban'; }

# waiting: is the text on standard input that of a change that waits for its confirmation, or waited for it before a reboot?
waiting() { grep -q '^# kagiban: not confirmed yet'; }

# unblock: our block goes.
unblock() {
	[ -n "$(block)" ] || return 0
	all=$(unblocked && echo x) && printf %s "${all%x}" | rewrite "$config"
}

# recovery on FILE|off: an sshd that knows no Include cannot be told "until the next reboot"; so FILE, a copy of undo.sh, is run at boot
# before sshd is, and takes out a block that waits for its confirmation. systemd runs it by a unit, init.d by the file that it reads first.
recovery() {
	line="[ ! -e $recover ] || sh $recover recover boot >/dev/null 2>&1 # kagiban"
	if [ "$1" = off ]; then
		if [ -e "$recover" ] || [ -e "$unit" ] || [ -L "$wanted" ]; then
			rm -f "$recover" "$unit" "$wanted"
			rmdir "${wanted%/*}" 2>/dev/null
		fi
		first=
		[ ! -e "$defaults" ] || IFS= read -r first <"$defaults"
		[ "$first" = "$line" ] || return 0
		all=$(tail -n +2 "$defaults" && echo x) && printf %s "${all%x}" | rewrite "$defaults"
		[ -s "$defaults" ] || rm -f "$defaults"
		return 0
	fi
	cp "$2" "$recover" || return 1
	if [ -d /run/systemd/system ]; then
		mkdir -p "${wanted%/*}" && ln -sf "$unit" "$wanted" && place "$unit" <<-END
			# Written by kagiban, and gone as soon as its change of sshd_config is confirmed or undone.
			[Unit]
			Description=kagiban: a change of sshd_config that was not confirmed before the reboot is taken out
			DefaultDependencies=no
			After=local-fs.target
			Before=sysinit.target
			[Service]
			Type=oneshot
			ExecStart=/bin/sh $recover recover boot
		END
	elif grep -q -F "$defaults" /etc/init.d/ssh 2>/dev/null; then
		[ -e "$defaults" ] || true >"$defaults"
		all=$(echo "$line" && cat "$defaults" && echo x) && printf %s "${all%x}" | rewrite "$defaults"
	else
		return 1
	fi
}
