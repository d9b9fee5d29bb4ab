# shellcheck shell=sh
# What sshd is told, as its files say it.

# config_files FILE: its text, and then the files that it includes, in the order in which sshd reads them.
config_files() {
	depth=$((depth + 1))
	if [ "$depth" -le 16 ] && [ -f "$1" ]; then
		text "config $1" <"$1"
		includes=$(sed -n 's/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]\{1,\}\([^#]*\).*/\1/p' "$1" | tr -d "\"'\r")
		cd /etc/ssh || fail config /etc/ssh
		for included in $includes; do
			case $included in /*) ;; *) included=/etc/ssh/$included ;; esac
			[ ! -f "$included" ] || config_files "$included" # a link by its own name, which is what counts for its place
		done
	fi
	depth=$((depth - 1))
}

# singles: do the files on standard input, as config_files tells them, speak of some logins only (Match)? Where none does, what sshd makes of it for one login is
# what it makes of it for all, and one question is enough. An Include that is written in an unusual way may be read by sshd, and not by us.
singles() {
	grep -q -i -e '^[|[:space:]"]*match' -e '^[|[:space:]"]*include.*["'"'"'\\#]'
}
