# shellcheck shell=sh
# What sshd is told, as its files say it.
return_key=$(printf '\r')
names='' depth=0

# config_list FILE: FILE, and then the files that it includes, a name on each line, in the order in which sshd reads them.
config_list() {
	depth=$((depth + 1))
	if [ "$depth" -le 16 ] && [ -f "$1" ]; then
		echo "$1"
		includes=$(sed -n "/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]\{1,\}/{ s///; s/#.*//; s/[\"'$return_key]//g; p; }" "$1")
		cd /etc/ssh || return 1
		for included in $includes; do
			case $included in /*) ;; *) included=/etc/ssh/$included ;; esac
			[ ! -f "$included" ] || config_list "$included" # a link by its own name, which is what counts for its place
		done
	fi
	depth=$((depth - 1))
}

# judged FILE OPTION...: says whether sshd takes FILE, and if not, what it complains of. Where no file of it speaks of some logins only, alike is what
# sshd makes of it for all; asked for that (-T), sshd tests all that it does when it is asked to test (-t).
judged() {
	file=$1
	shift
	if ! in_words "${names:-$(config_list "$file")}" singles && alike=$(settings kagiban-nobody "$@"); then
		say sound 0
	else
		alike=''
		tested=$(sound "$file")
		say sound $?
		tell tested "$tested"
	fi
}

# config_files FILE: the texts of all of these.
config_files() {
	names=$(config_list "$1") || fail config /etc/ssh
	printf '%s\n' "$names" | while IFS= read -r file; do text "config $file" <"$file"; done
}

# in_words LINES COMMAND: COMMAND with a word for each line.
in_words() {
	command=$2 lines=$1
	set --
	while IFS= read -r line; do set -- "$@" "$line"; done <<-END
		$lines
	END
	"$command" "$@"
}

# singles FILE...: do these files of sshd's speak of some logins only (Match)? Where none does, what sshd makes of it for one login is what it makes of
# it for all, and one question is enough. An Include that is written in an unusual way may be read by sshd, and not by us.
singles() {
	grep -q -i -e '^[[:space:]"]*match' -e '^[[:space:]]*include.*["'"'"'\\#]' -e '^[[:space:]]*[a-z]*["'"'"'\\=]' -- "$@"
	[ $? != 1 ]
}
