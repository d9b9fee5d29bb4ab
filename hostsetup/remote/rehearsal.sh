# shellcheck shell=sh
# rehearsal FOLDER USER ADDRESS: the configuration as it will be, FOLDER/rehearse.conf, is tried.
rehearsal() {
	tested=$(sound "$1/rehearse.conf")
	say sound $?
	tell tested "$tested"
	from=$3
	depth=0
	config_files "$1/rehearse.conf" | singles || alike=$(settings kagiban-nobody -f "$1/rehearse.conf")
	effective "$2" "$3" -f "$1/rehearse.conf"
	say sshd "$sshd"
}
