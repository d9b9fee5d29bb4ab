# shellcheck shell=sh
# Goes in front of every verb. KG is this run's nonce: only lines that begin with it are ours, whatever
# a login shell, a banner or a profile prints besides.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

say() { printf '%s %s\n' "$KG" "$*"; }

# text NAME: standard input, byte for byte, between two of our lines.
text() {
	say begin "$1"
	cat
	printf '\n'
	say end "$1"
}

# tell NAME TEXT: likewise, for lines that are in a variable.
tell() {
	say begin "$1"
	printf '%s\n\n' "$2"
	say end "$1"
}

# fail WHAT DETAIL: the verb ends here. Go turns WHAT into a sentence.
fail() {
	say error "$*"
	exit 1
}

trap 'say "done" $?' EXIT
