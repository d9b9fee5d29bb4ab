# shellcheck shell=sh
# rehearse TOKEN USER ADDRESS: what stage put there is tried once more, now that there is one account more.
[ -d "$run/$1" ] || fail toolate "$1"
rehearsal "$run/$1" "$2" "$3"
