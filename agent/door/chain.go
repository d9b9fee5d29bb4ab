package door

// maxChain is how many programs Chain names.
const maxChain = 16

// Chain is the program of a process and those that it was started by, the nearest first: at most 16, and not the first process of the
// system. It ends where the system says no more. It tells of now: whoever learnt the process id earlier compares the first
// program with the one that there was then, for process ids are used again.
func Chain(pid int) []Caller { return chain(pid) }

// WorkDir is the folder that a process works in now, or "" where the system does not say.
func WorkDir(pid int) string { return workDir(pid) }

// Args are the words that a process was started with, its own word for its program first; nil where the system does not say. The
// process itself can change them.
func Args(pid int) []string { return args(pid) }

// climb follows parents, as look tells of each.
func climb(pid int, look func(pid int) (c Caller, parent int, ok bool)) (all []Caller) {
	for pid > 1 && len(all) < maxChain {
		c, parent, ok := look(pid)
		if !ok {
			break
		}
		all, pid = append(all, c), parent
	}
	return all
}
