# shellcheck shell=sh
# look: who we are here and what stands in the way of a key. Runs as the login user; changes nothing.
say uid "$(id -u)"
say gid "$(id -g)"
say user "$(id -un)"
say group "$(id -gn)"
members=$(getent group "$(id -g)" 2>/dev/null)
say members "${members##*:}"
say home "$HOME"
say connection "${SSH_CONNECTION-}"
# The kind of file system that the home folder is on.
say filesystem "$(awk -v path="$(readlink -f "$HOME")/" '
	{ at = $5; if (at != "/") at = at "/" }
	index(path, at) == 1 && length(at) >= most { most = length(at); for (i = 7; $i != "-" && i < NF; i++); kind = $(i + 1) }
	END { print kind }' /proc/self/mountinfo 2>/dev/null)"
IFS=:
# shellcheck disable=SC2086 # a word for each folder
set -- $PATH
unset IFS
for way in sudo doas su; do
	for folder; do # not command -v, by which a busybox would mean its own su
		if [ -x "$folder/$way" ]; then
			say way "$way" "$folder/$way"
			break
		fi
	done
done

[ -d "$HOME" ] || fail nohome "$HOME"
cd || fail home "$HOME"
keys=.ssh/authorized_keys
link=
[ ! -L "$keys" ] || link=$(readlink "$keys")
case $link in /run/kagiban/*) [ -e "$keys" ] || link= ;; esac # of a new user who was not confirmed before a reboot: it is replaced
if [ -n "$link" ]; then
	keys=$(readlink -f "$keys") || fail symlink "$HOME/.ssh/authorized_keys"
fi
say keys "$keys"
file=$keys
case $file in /*) ;; *) file=$HOME/$file ;; esac
folder=$(dirname "$file")
[ -d "$folder" ] || folder=$HOME
obstacle "$folder" "$file"
# Our drop-in or block, as far as the user can see.
if [ -e /etc/ssh/sshd_config.d/00-kagiban.conf ] || grep -q '^# kagiban: begin' /etc/ssh/sshd_config 2>/dev/null; then
	say standing
fi
for path in "$HOME" .ssh "$keys"; do
	[ -e "$path" ] && say mode "$(ls -ldnL "$path" 2>/dev/null)"
done
if [ -f "$keys" ]; then
	[ -r "$keys" ] || fail unreadable "$file"
	[ "$(wc -c <"$keys")" -le 1048576 ] || fail toobig "$file"
	text keys <"$keys"
fi
