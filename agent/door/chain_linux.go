package door

import (
	"os"
	"strconv"
	"strings"
)

// chain reads proc_pid_status(5).
func chain(pid int) []Caller {
	return climb(pid, func(pid int) (c Caller, parent int, ok bool) {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			return c, 0, false
		}
		c = Caller{PID: pid, Program: program(pid)}
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			first, _, _ := strings.Cut(strings.TrimSpace(value), "\t")
			switch name {
			case "PPid":
				parent, _ = strconv.Atoi(first)
			case "Uid":
				c.UID = first
			}
		}
		return c, parent, true
	})
}

func workDir(pid int) string {
	folder, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if err != nil {
		return ""
	}
	return folder
}

func args(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}
