package ground_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// TestLimitsAreTold: each limit that a test can be left out for stands in docs/windows.md, where people read what was not proved.
func TestLimitsAreTold(t *testing.T) {
	doc, err := os.ReadFile("../../docs/windows.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "ground.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	limits := 0
	ast.Inspect(source, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			limit, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil || !strings.Contains(string(doc), limit) {
				t.Errorf("docs/windows.md does not say: %s (%v)", limit, err)
			}
			limits++
		}
		return true
	})
	if limits < 5 {
		t.Errorf("%d limits found: the test looks at nothing", limits)
	}
}

// TestNothingIsLeftOut: where no wine is, a test goes on.
func TestNothingIsLeftOut(t *testing.T) {
	ground.Cannot(t, ground.UnixSockets)
	if ground.Wine() {
		t.Error("this is wine, and the test goes on")
	}
}
