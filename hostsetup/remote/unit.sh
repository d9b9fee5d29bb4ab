# shellcheck shell=sh
# unit FILE: the service of the system that a process belongs to, as its /proc/PID/cgroup tells; nothing for a user's. Below the first
# service on the way, whoever it was handed to gives names as they like.
unit() {
	sed -n 's|^[^/]*/system\.slice/\([^/]*\.slice/\)*\([^/]*\.service\)\(/.*\)\{0,1\}$|\2|p' "$1" 2>/dev/null | head -n 1
}
