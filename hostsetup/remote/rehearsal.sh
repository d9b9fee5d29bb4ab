# shellcheck shell=sh
# rehearsal FOLDER USER ADDRESS: the configuration as it will be, FOLDER/rehearse.conf, is tried.
rehearsal() {
	from=$3
	judged "$1/rehearse.conf" -f "$1/rehearse.conf"
	effective "$2" "$3" -f "$1/rehearse.conf"
	say sshd "$sshd"
}
