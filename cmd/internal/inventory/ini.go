package inventory

import (
	"errors"
	"strings"
)

// ini reads an Ansible inventory in its older form.
func (s source) ini() (List, error) {
	a := newAnsible(s)
	group, state := "ungrouped", ""
	for _, line := range s.lines() {
		if m := section.FindStringSubmatch(line.text); m != nil {
			group, state = m[1], m[2]
			if state != "" && state != "vars" && state != "children" && state != "hosts" {
				return List{}, s.errorf(line.number, "a section is [GROUP], [GROUP:vars] or [GROUP:children], not %.80q", line.text)
			}
			at(a.groups, group, line.number)
			continue
		}
		var err error
		switch state {
		case "vars":
			err = a.iniVariable(group, line)
		case "children":
			err = a.iniChild(group, line)
		default:
			err = a.iniHost(group, line)
		}
		if err != nil {
			return List{}, err
		}
	}
	return a.list()
}

func (a *ansible) iniVariable(group string, line line) error {
	key, value, found := strings.Cut(line.text, "=")
	if !found {
		return a.errorf(line.number, "%.80q is no NAME=VALUE", line.text)
	}
	value = strings.TrimSpace(value)
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	at(a.groups, group, line.number).vars[strings.TrimSpace(key)] = setting{value, line.number}
	return nil
}

func (a *ansible) iniChild(group string, line line) error {
	names, err := words(line.text)
	if err != nil || len(names) != 1 {
		return a.errorf(line.number, "%.80q is no name of a group", line.text)
	}
	child := at(a.groups, names[0], line.number)
	child.parents = append(child.parents, group)
	return nil
}

func (a *ansible) iniHost(group string, line line) error {
	fields, err := words(line.text)
	if err != nil || len(fields) == 0 {
		return a.errorf(line.number, "%.80q is not understood: %v", line.text, err)
	}
	vars := map[string]setting{}
	for _, field := range fields[1:] {
		key, value, found := strings.Cut(field, "=")
		if !found || key == "" {
			return a.errorf(line.number, "%.80q is no NAME=VALUE", field)
		}
		vars[key] = setting{value, line.number}
	}
	return a.member(line.number, fields[0], group, vars)
}

// words takes a line apart as a shell would: at white space that is not quoted, up to a word that begins with #.
func words(text string) ([]string, error) {
	var all []string
	var word strings.Builder
	begun, quote := false, rune(0)
	end := func() {
		if begun {
			all = append(all, word.String())
		}
		begun = false
		word.Reset()
	}
	for i := 0; i < len(text); i++ {
		c := rune(text[i])
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			begun = true
			word.WriteByte(text[i])
		case c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(text[i])
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ' || c == '\t':
			end()
		case c == '#' && !begun:
			return all, nil
		default:
			begun = true
			word.WriteByte(text[i])
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote has no end")
	}
	end()
	return all, nil
}
