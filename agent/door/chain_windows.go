package door

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// chain looks at all processes at one moment (CreateToolhelp32Snapshot). A parent there may be long gone and its number be another
// process's, which began after its child.
func chain(pid int) []Caller {
	parents, names := processes()
	born := int64(-1)
	return climb(pid, func(pid int) (c Caller, parent int, ok bool) {
		name, ok := names[pid]
		began := beginning(pid)
		if !ok || born >= 0 && (began == 0 || began > born) {
			return c, 0, false
		}
		born = began
		if c, _ = processCaller(uint32(pid)); c.Program == "" {
			c.Program = name
		}
		return c, parents[pid], true
	})
}

// processes are all that there are now: the parent of each, and the name of its program.
func processes() (parents map[int]int, names map[int]string) {
	parents, names = map[int]int{}, map[int]string{}
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return parents, names
	}
	defer windows.CloseHandle(all)
	var p windows.ProcessEntry32
	p.Size = uint32(unsafe.Sizeof(p))
	for err = windows.Process32First(all, &p); err == nil; err = windows.Process32Next(all, &p) {
		parents[int(p.ProcessID)] = int(p.ParentProcessID)
		names[int(p.ProcessID)] = windows.UTF16ToString(p.ExeFile[:])
	}
	return parents, names
}

// beginning is when a process was made, or 0 where that is not to be learnt.
func beginning(pid int) int64 {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return 0
	}
	defer windows.CloseHandle(process)
	var made, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(process, &made, &ended, &kernel, &user) != nil {
		return 0
	}
	return made.Nanoseconds()
}

func workDir(int) string { return "" }

func args(int) []string { return nil }
