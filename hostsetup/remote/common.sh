# shellcheck shell=sh
# Goes in front of every verb. KG is this run's nonce: only lines that begin with it are ours, whatever
# a login shell, a banner or a profile prints besides. It must never stand in an argument, which everybody on the server can read.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

say() { printf '%s %s\n' "$KG" "$*"; }

# text NAME: standard input, byte for byte, between two of our lines. Each line of it has a mark in front, so that none can be one of ours: it
# may be a file that somebody else writes.
text() {
	say quote "$1"
	sed 's/^/|/'
	printf '\n'
	say end "$1"
}

# tell NAME TEXT: likewise without marks, for lines in a variable that are nobody else's.
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
