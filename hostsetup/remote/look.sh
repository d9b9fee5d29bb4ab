# shellcheck shell=sh
# look: who we are here and what stands in the way of a key. Runs as the login user; changes nothing.
# named KEY KEY WORDS: says the number and the name that WORDS begin with, as id(1) prints them. Who has no name has the number.
named() {
	number=${3%%[!0-9]*} name=${3#*"("}
	case $3 in "$number("*) name=${name%%")"*} ;; *) name=$number ;; esac
	say "$1" "$number"
	say "$2" "$name"
}
me=$(id) # uid=1000(owner) gid=1000(owner) groups=...
named uid user "${me#uid=}"
named gid group "${me#*" gid="}"
members=$(getent group "$number" 2>/dev/null)
say members "${members##*:}"
say home "$HOME"
say connection "${SSH_CONNECTION-}"
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
folder=${file%/*}
[ -d "$folder" ] || folder=$HOME
obstacle "$folder" "$file"
say filesystem "${mounted%% *}"
# Our drop-in or block, as far as the user can see.
if [ -e /etc/ssh/sshd_config.d/00-kagiban.conf ] || grep -q '^# kagiban: begin' /etc/ssh/sshd_config 2>/dev/null; then
	say standing
fi
# shellcheck disable=SC2012 # its lines are what is wanted
ls -ldnL "$HOME" .ssh "$keys" 2>/dev/null | while IFS= read -r line; do say mode "$line"; done
if [ -f "$keys" ]; then
	[ -r "$keys" ] || fail unreadable "$file"
	[ "$(wc -c <"$keys")" -le 1048576 ] || fail toobig "$file"
	text keys <"$keys"
fi
