package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// deepestInclude is how far Include lines may lead, as in ssh itself (READCONF_MAX_DEPTH of readconf.c).
const deepestInclude = 16

// sshFiles are the files of ssh's configuration that there may be, the names and ports of servers in them, and all files of known hosts that they
// name, for whichever host, with those that ssh reads by itself (ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile). No program is asked: ssh -G may run others.
func sshFiles(home string) (config, hosts, names []string) {
	system := "/etc/ssh"
	if runtime.GOOS == "windows" {
		system = filepath.Join(os.Getenv("ProgramData"), "ssh")
	}
	own := filepath.Join(home, ".ssh")
	r := sshConfigReader{home: home}
	if home != "" {
		r.read(filepath.Join(own, "config"), own, 0)
		r.hosts = append(r.hosts, filepath.Join(own, "known_hosts"), filepath.Join(own, "known_hosts2"))
	}
	r.read(filepath.Join(system, "ssh_config"), system, 0)
	r.hosts = append(r.hosts, filepath.Join(system, "ssh_known_hosts"), filepath.Join(system, "ssh_known_hosts2"))
	slices.Sort(r.hosts)
	return r.config, slices.Compact(r.hosts), r.names
}

// readRegular reads a file, and nothing else: who reads a pipe, or a terminal, waits for whoever writes to it.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fs.ErrInvalid
	}
	return os.ReadFile(path)
}

// sshConfigReader collects what configurations of ssh name.
type sshConfigReader struct {
	home                 string
	config, hosts, names []string
}

// read takes in a file, if it is there, and those that it includes; relative ones are in folder.
func (r *sshConfigReader) read(file, folder string, depth int) {
	r.config = append(r.config, file)
	text, err := readRegular(file)
	if err != nil || depth == deepestInclude {
		return
	}
	for line := range strings.Lines(string(text)) {
		words := configWords(line)
		if len(words) < 2 {
			continue
		}
		for _, name := range words[1:] {
			switch strings.ToLower(words[0]) {
			case "include":
				files, _ := filepath.Glob(r.path(name, folder)) // a pattern that is none includes nothing
				for _, file := range files {
					r.read(file, folder, depth+1)
				}
			case "hostname", "hostkeyalias", "port":
				r.names = append(r.names, name)
			case "host":
				if !strings.ContainsAny(name, "*?!") {
					r.names = append(r.names, name)
				}
			case "userknownhostsfile", "globalknownhostsfile":
				if !strings.Contains(name, "%") && filepath.IsAbs(r.path(name, "")) {
					r.hosts = append(r.hosts, r.path(name, ""))
				}
			}
		}
	}
}

// path is the file that a configuration names.
func (r *sshConfigReader) path(name, folder string) string {
	rest, ok := strings.CutPrefix(name, "~/")
	switch {
	case ok && r.home == "":
		return ""
	case ok:
		return filepath.Join(r.home, rest)
	case filepath.IsAbs(name):
		return name
	}
	return filepath.Join(folder, name)
}

// configWords are the keyword of a line and what follows it, which may stand behind an equals sign, or between quotes (ssh_config(5)).
func configWords(line string) (words []string) {
	line = strings.TrimSpace(line)
	if i := strings.IndexAny(line, " \t="); i > 0 {
		line = line[:i] + " " + strings.TrimPrefix(strings.TrimSpace(line[i:]), "=")
	}
	quoted := false
	words = strings.FieldsFunc(line, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
			return true
		}
		return !quoted && (c == ' ' || c == '\t')
	})
	if len(words) > 0 && strings.HasPrefix(words[0], "#") {
		return nil
	}
	return words
}
