package control

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestProtocolIsToldWhole: each operation and each code of protocol.go stands in the package comment.
func TestProtocolIsToldWhole(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "protocol.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	ast.Inspect(source, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && (strings.HasPrefix(spec.Names[0].Name, "op") || strings.HasPrefix(spec.Names[0].Name, "code")) {
			looked++
			if word := spec.Values[0].(*ast.BasicLit).Value; !strings.Contains(string(doc), word) {
				t.Errorf("doc.go does not tell of %s", word)
			}
		}
		return true
	})
	if looked < 16 {
		t.Errorf("%d words found: nothing is shown", looked)
	}
}
