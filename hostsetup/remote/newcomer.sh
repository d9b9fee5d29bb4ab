# shellcheck shell=sh
# newcomer NAME: what there is of the account NAME already, and what it would take to make it and to let it use sudo. Runs as root; changes
# nothing.
sudoers=/etc/sudoers.d
[ "$(id -u)" = 0 ] || fail notroot "$(id -un)"
for tool in sudo visudo useradd setpriv; do
	command -v "$tool" >/dev/null 2>&1 || say lacks "$tool"
done
shell=/bin/sh
[ ! -x /bin/bash ] || shell=/bin/bash
say shell "$shell"
say sudo "$(command -v sudo)"
base=$(useradd -D 2>/dev/null | sed -n 's/^HOME=//p')
home=${base:-/home}/$1
say home "$home"
[ ! -e "$home" ] || say taken "$home"
for group in sudo wheel; do
	if getent group "$group" >/dev/null; then
		say group "$group"
		break
	fi
done
grep -q -E '^[#@]includedir[[:space:]]+"?/etc/sudoers\.d/?"?[[:space:]]*$' /etc/sudoers 2>/dev/null && say includes "$sudoers"
[ ! -e "$sudoers/kagiban-$1" ] || text sudoers <"$sudoers/kagiban-$1"
! getent group "$1" >/dev/null || say namesake "$1"
if account=$(getent passwd "$1"); then
	say account "$account"
	say groups "$(id -Gn "$1")"
	say password "$(listed shadow | awk -F: -v name="$1" '$1 == name { found = 1; print $2 == "" ? "empty" : $2 ~ /^[!*]/ || length($2) < 13 ? "none" : "usable" } END { if (!found) print "none" }')"
	sudo -n -l -U "$1" 2>/dev/null </dev/null | text may
fi
true
