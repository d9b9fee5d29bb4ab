package inventory

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yaml reads an Ansible inventory in its newer form: groups, each with "hosts", "children" and "vars". Only the tree of what is written is looked
// at, where each thing has its line; nothing is decoded, and no alias is followed.
func (s source) yaml() (List, error) {
	file, err := parser.ParseBytes([]byte(s.text), 0)
	if err != nil {
		number := 1
		var wrong yaml.Error
		if errors.As(err, &wrong) && wrong.GetToken() != nil {
			number = wrong.GetToken().Position.Line
			err = errors.New(wrong.GetMessage())
		}
		return List{}, s.errorf(number, "%v", err)
	}
	a := newAnsible(s)
	for _, doc := range file.Docs {
		groups, err := a.pairs(doc.Body, "an inventory")
		if err != nil {
			return List{}, err
		}
		for _, g := range groups {
			if err := a.yamlGroup(g, ""); err != nil {
				return List{}, err
			}
		}
	}
	return a.list()
}

// pair is one "key: value".
type pair struct {
	key   string
	value ast.Node
	line  int
}

// pairs are those of a mapping; what is not there has none.
func (a *ansible) pairs(node ast.Node, what string) ([]pair, error) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil, nil
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, a.errorf(lineOf(node), "%s is names, each with a colon", what)
	}
	var all []pair
	for _, v := range values {
		key, ok := scalar(v.Key)
		if !ok {
			return nil, a.errorf(lineOf(v.Key), "%s is not understood here", v.Key.Type())
		}
		all = append(all, pair{key, v.Value, lineOf(v.Key)})
	}
	return all, nil
}

func lineOf(node ast.Node) int {
	if t := node.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

// scalar is the text of a plain value.
func scalar(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value, true
	case *ast.NullNode:
		return "", true
	}
	return "", false
}

func (a *ansible) yamlGroup(g pair, parent string) error {
	group := at(a.groups, g.key, g.line)
	if parent != "" {
		group.parents = append(group.parents, parent)
	}
	parts, err := a.pairs(g.value, fmt.Sprintf("the group %q", g.key))
	if err != nil {
		return err
	}
	for _, part := range parts {
		inside, err := a.pairs(part.value, fmt.Sprintf("%q of the group %q", part.key, g.key))
		switch {
		case err != nil:
			return err
		case part.key == "vars":
			vars, err := a.yamlVars(inside)
			if err != nil {
				return err
			}
			group.vars = vars
		case part.key == "children":
			for _, child := range inside {
				if err := a.yamlGroup(child, g.key); err != nil {
					return err
				}
			}
		case part.key == "hosts":
			for _, host := range inside {
				if err := a.yamlHost(host, g.key); err != nil {
					return err
				}
			}
		default:
			return a.errorf(part.line, "a group has hosts, children and vars, and no %q", part.key)
		}
	}
	return nil
}

func (a *ansible) yamlHost(host pair, group string) error {
	inside, err := a.pairs(host.value, fmt.Sprintf("the host %q", host.key))
	if err != nil {
		return err
	}
	vars, err := a.yamlVars(inside)
	if err != nil {
		return err
	}
	return a.member(host.line, host.key, group, vars)
}

// yamlVars keeps the plain values; where one of them matters, it must be plain.
func (a *ansible) yamlVars(all []pair) (map[string]setting, error) {
	vars := map[string]setting{}
	for _, v := range all {
		value, ok := scalar(v.value)
		if !ok && (matters(v.key) || v.key == "<<") {
			return nil, a.errorf(v.line, "%q is not a plain value", v.key)
		}
		vars[v.key] = setting{value, v.line}
	}
	return vars, nil
}
