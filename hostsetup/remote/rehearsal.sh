# shellcheck shell=sh
# rehearsal FOLDER USER ADDRESS: the configuration as it will be, FOLDER/rehearse.conf, is tried.
rehearsal() {
	tested=$(sound "$1/rehearse.conf")
	say sound $?
	printf '%s\n' "$tested" | text tested
	from=$3
	singles "$1/rehearse.conf" || alike=$(settings kagiban-nobody -f "$1/rehearse.conf")
	effective "$2" "$3" -f "$1/rehearse.conf"
	say sshd "$sshd"
}
