package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kagiban/cmd/internal/say"
)

// TestMessagesAreFilled reads the source for every message that a command gives by
// name, and holds the names of its fields against the placeholders of the message:
// nobody is to read "the key {key}".
func TestMessagesAreFilled(t *testing.T) {
	ids := messageIDs(t)
	checked := 0
	for file, f := range parseAll(t, "*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			id, names, ok := message(call, ids)
			if !ok {
				return true
			}
			checked++
			filled := say.Fields{}
			for _, name := range names {
				filled[name] = "x"
			}
			if text := say.Render(id, filled); strings.ContainsAny(text, "{}") {
				t.Errorf("%s: %s with %q leaves %s", file, id, names, text)
			}
			return true
		})
	}
	if checked < 10 {
		t.Errorf("only %d messages found: the test looks for the wrong calls", checked)
	}
}

// message reads a call such as say.Fail(say.NoKey, err, "name", x) or
// p.tell(say.NoKey, "name", x); ok is false for any other call, and for one whose
// id or fields are not written out.
func message(call *ast.CallExpr, ids map[string]say.ID) (id say.ID, names []string, ok bool) {
	fun, isSelector := call.Fun.(*ast.SelectorExpr)
	if !isSelector || len(call.Args) == 0 {
		return "", nil, false
	}
	first, isID := call.Args[0].(*ast.SelectorExpr)
	if !isID || ids[first.Sel.Name] == "" {
		return "", nil, false
	}
	pairs := call.Args[1:]
	switch fun.Sel.Name {
	case "Fail":
		pairs = call.Args[2:]
	case "fail": // the permuter's, which adds these two
		names = append(names, "command", "group")
	case "tell":
	default:
		return "", nil, false
	}
	if call.Ellipsis.IsValid() {
		return "", nil, false
	}
	for i := 0; i < len(pairs); i += 2 {
		name, isLiteral := pairs[i].(*ast.BasicLit)
		if !isLiteral {
			return "", nil, false
		}
		text, _ := strconv.Unquote(name.Value)
		names = append(names, text)
	}
	return ids[first.Sel.Name], names, len(pairs)%2 == 0
}

// messageIDs are the ids of package say by their Go names.
func messageIDs(t *testing.T) map[string]say.ID {
	ids := map[string]say.ID{}
	for _, f := range parseAll(t, "../internal/say/*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				typ, _ := v.Type.(*ast.Ident)
				value, _ := v.Values[0].(*ast.BasicLit)
				if typ != nil && typ.Name == "ID" && value != nil {
					text, _ := strconv.Unquote(value.Value)
					ids[v.Names[0].Name] = say.ID(text)
				}
			}
			return true
		})
	}
	return ids
}

func parseAll(t *testing.T, pattern string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}
