package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ansible is an inventory as both of its forms fill it: groups within groups, and variables at each of them. The manual's pages "How to build
// your inventory" and "Using variables" say what they mean.
type ansible struct {
	source
	order  []string // of the hosts, as they come up first
	hosts  map[string]*entry
	groups map[string]*entry
}

// entry is a host or a group.
type entry struct {
	line    int
	vars    map[string]setting
	parents []string // groups that it is in
}

type setting struct {
	value string
	line  int
}

func newAnsible(s source) *ansible {
	return &ansible{source: s, hosts: map[string]*entry{}, groups: map[string]*entry{}}
}

// at returns the entry of that name, a new one if there is none.
func at(all map[string]*entry, name string, line int) *entry {
	if all[name] == nil {
		all[name] = &entry{line: line, vars: map[string]setting{}}
	}
	return all[name]
}

// member puts the hosts of a pattern, "web[01:50].example.com:2222", into a group, with variables of their own.
func (a *ansible) member(line int, pattern, group string, vars map[string]setting) error {
	names, err := expand(pattern)
	if err != nil {
		return a.errorf(line, "%v", err)
	}
	for _, name := range names {
		host, port := name, ""
		if i := strings.LastIndexByte(name, ':'); i > 0 && (strings.Count(name, ":") == 1 || name[0] == '[') && name[i-1:] != ":]" && !strings.HasSuffix(name, "]") {
			host, port = name[:i], name[i+1:]
		}
		if a.hosts[host] == nil {
			a.order = append(a.order, host)
		}
		e := at(a.hosts, host, line)
		if port != "" {
			e.vars["ansible_port"] = setting{port, line}
		}
		maps.Copy(e.vars, vars)
		e.parents = append(e.parents, group)
		if len(a.order) > most {
			return a.errorf(line, "more than %d hosts", most)
		}
	}
	return nil
}

// understood are the variables that say where a host is, by their older names as well.
var understood = map[string]string{"ansible_ssh_host": "ansible_host", "ansible_ssh_user": "ansible_user", "ansible_ssh_port": "ansible_port"}

// refused would lead elsewhere than we go.
var refused = []string{"ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_group_priority"}

// matters tells whether a variable says where a host is, or how one comes there.
func matters(key string) bool {
	_, older := understood[key]
	return older || slices.Contains(refused, key) || slices.Contains([]string{"ansible_host", "ansible_user", "ansible_port", "ansible_connection"}, key)
}

// list is the end of it: each host with what its groups say of it.
func (a *ansible) list() (List, error) {
	l := List{Ansible: true}
	depths, err := a.depths()
	if err != nil {
		return l, err
	}
	for _, name := range a.order {
		e := a.hosts[name]
		vars := a.varsOf(e, depths)
		where := a.where(e.line)
		for _, key := range refused {
			if v, found := vars[key]; found && v.value != "" {
				return l, a.errorf(v.line, "%s is not understood here; say it in ssh's own configuration", key)
			}
		}
		if v := vars["ansible_connection"]; v.value != "" && !slices.Contains([]string{"ssh", "smart", "paramiko", "paramiko_ssh"}, v.value) {
			l.Notes = append(l.Notes, Note{where, fmt.Sprintf("%s is reached by %s and not by SSH: left out", name, v.value)})
			continue
		}
		destination := cmp.Or(vars["ansible_host"].value, name)
		if strings.Count(destination, ":") > 1 && destination[0] != '[' {
			destination = "[" + destination + "]"
		}
		if user := vars["ansible_user"].value; user != "" {
			destination = user + "@" + destination
		}
		if port := vars["ansible_port"].value; port != "" {
			destination += ":" + port
		}
		for _, key := range []string{"ansible_host", "ansible_user", "ansible_port"} {
			if v := vars[key]; strings.ContainsAny(v.value, "{} \t") {
				return l, a.errorf(v.line, "%s is %q, and templates are not filled in here", key, v.value)
			}
		}
		l.add(Host{Name: strings.Trim(strings.ReplaceAll(name, ":", "-"), "[]"), Destination: destination, Where: where})
	}
	return l, nil
}

// depths tells for each group how far it is below the group "all"; what a deeper one says counts more.
func (a *ansible) depths() (map[string]int, error) {
	depths := map[string]int{"all": 0}
	var depth func(name string, seen []string) (int, error)
	depth = func(name string, seen []string) (int, error) {
		if d, known := depths[name]; known {
			return d, nil
		}
		if slices.Contains(seen, name) {
			return 0, a.errorf(a.groups[name].line, "the group %q is inside of itself", name)
		}
		deepest := 1
		if g := a.groups[name]; g != nil {
			for _, parent := range g.parents {
				d, err := depth(parent, append(slices.Clip(seen), name))
				if err != nil {
					return 0, err
				}
				deepest = max(deepest, d+1)
			}
		}
		depths[name] = deepest
		return deepest, nil
	}
	for name := range a.groups {
		if _, err := depth(name, nil); err != nil {
			return nil, err
		}
	}
	return depths, nil
}

// varsOf are the variables of a host: those of "all", then those of its groups, a deeper one last, and its own. On one level the alphabet decides.
func (a *ansible) varsOf(e *entry, depths map[string]int) map[string]setting {
	in := []string{"all"}
	for i := 0; i < len(in); i++ { // it grows
		parents := e.parents
		if i > 0 && a.groups[in[i]] != nil {
			parents = a.groups[in[i]].parents
		} else if i > 0 {
			continue
		}
		for _, p := range parents {
			if !slices.Contains(in, p) {
				in = append(in, p)
			}
		}
	}
	slices.SortFunc(in, func(x, y string) int { return cmp.Or(cmp.Compare(depths[x], depths[y]), cmp.Compare(x, y)) })
	vars := map[string]setting{}
	set := func(from map[string]setting) {
		for key, value := range from {
			vars[cmp.Or(understood[key], key)] = value
		}
	}
	for _, group := range in {
		if g := a.groups[group]; g != nil {
			set(g.vars)
		}
	}
	set(e.vars)
	return vars
}

// ranges are [01:50], [a:f], and either with a step, [1:9:2].
var ranges = regexp.MustCompile(`\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]`)

// expand returns all hosts that a pattern stands for.
func expand(pattern string) ([]string, error) {
	m := ranges.FindStringSubmatchIndex(pattern)
	if m == nil {
		return []string{pattern}, nil
	}
	before, rest := pattern[:m[0]], pattern[m[1]:]
	from, to, step := pattern[m[2]:m[3]], pattern[m[4]:m[5]], 1
	if m[6] >= 0 {
		step, _ = strconv.Atoi(pattern[m[6]:m[7]])
	}
	first, last, format := 0, 0, func(n int) string { return string(rune(n)) }
	if digit := from[0] <= '9'; digit != (to[0] <= '9') {
		return nil, fmt.Errorf("%q is no range", pattern[m[0]:m[1]])
	} else if digit {
		var err1, err2 error
		first, err1 = strconv.Atoi(from)
		last, err2 = strconv.Atoi(to)
		width := 1
		if from[0] == '0' {
			width = len(from)
		}
		format = func(n int) string { return fmt.Sprintf("%0*d", width, n) }
		if err1 != nil || err2 != nil || width > 1 && len(to) != width {
			return nil, fmt.Errorf("%q is no range", pattern[m[0]:m[1]])
		}
	} else {
		first, last = int(from[0]), int(to[0])
	}
	if step < 1 || last < first || (last-first)/step >= most {
		return nil, fmt.Errorf("%q is no range of up to %d", pattern[m[0]:m[1]], most)
	}
	rests, err := expand(rest)
	if err != nil {
		return nil, err
	}
	var all []string
	for n := first; n <= last; n += step {
		for _, rest := range rests {
			if all = append(all, before+format(n)+rest); len(all) > most {
				return nil, fmt.Errorf("%q stands for more than %d hosts", pattern, most)
			}
		}
	}
	return all, nil
}
