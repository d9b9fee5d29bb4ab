package kagiban_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// tidy is a small tree that keeps every rule.
var tidy = map[string]string{
	"go.mod":               "module kagiban\n",
	"vault/vault.go":       "// Package vault keeps keys.\npackage vault\n\nimport \"kagiban/vault/safefile\"\n\nvar Limit = safefile.Max\n",
	"vault/vault_test.go":  "package vault\n\nimport \"fmt\"\n\nfunc f() { x := 1; x++; Limit := 2; Limit = 3; fmt.Println(x, Limit) }\n",
	"vault/safefile/a.go":  "// Package safefile writes.\npackage safefile\n\nconst Max = 1\n",
	"cmd/kagiban/main.go":  "// Command kagiban is all.\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(1) }\n",
	"scripts/sum/main.go":  "// Command sum adds.\npackage main\n\nfunc main() { println() }\n",
	"scripts/tools/go.mod": "module tools\n",
	"scripts/tools/t.go":   "package tools // another module\n",
	"vault/testdata/x.go":  "package broken\n",
	"scripts/need":         "#!/bin/sh\necho hello\n",
}

// TestHouseRules breaks each rule once, and looks for the problem it makes.
func TestHouseRules(t *testing.T) {
	lines := strings.Repeat("\t_ = 1\n", 401)
	table := map[string][]string{
		"cmd/kagiban": {"*"}, "scripts/*": {}, "vault": {}, "vault/safefile": {},
	}
	tests := []struct {
		name, file, text string
		want             string // "" is no problem
	}{
		{"tidy", "x.md", "all is well", ""},
		{"import not named", "vault/safefile/b.go", "package safefile\n\nimport \"kagiban/vault\"\n\nvar _ = vault.Limit\n", `"vault/safefile" may not import "vault"`},
		{"import in another OS's file", "vault/safefile/b_windows.go", "//go:build windows\n\npackage safefile\n\nimport \"kagiban/vault\"\n\nvar _ = vault.Limit\n", `may not import "vault"`},
		{"import by a test", "vault/safefile/b_test.go", "package safefile\n\nimport \"kagiban/vault\"\n\nvar _ = vault.Limit\n", ""},
		{"import by scripts", "scripts/sum/b.go", "package main\n\nimport \"kagiban/vault\"\n\nvar _ = vault.Limit\n", `may not import "vault"`},
		{"no row", "utils/u.go", "// Package utils is anything.\npackage utils\n", "no row for this package"},
		{"no package comment", "vault/safefile/a.go", "package safefile\n\nconst Max = 1\n", "no file has a package comment"},
		{"odd package comment", "vault/safefile/a.go", "// All about files.\npackage safefile\n\nconst Max = 1\n", `must begin with "Package safefile "`},
		{"two package comments", "vault/safefile/b.go", "// Package safefile again.\npackage safefile\n", "more than one package comment"},
		{"long function", "vault/f.go", "package vault\n\nfunc f() {\n" + lines[:len("\t_ = 1\n")*60] + "}\n", "func f has 62 lines"},
		{"long table function", "vault/f.go", "package vault\n\nfunc f() []int {\n\treturn []int{\n" + strings.Repeat("\t\t1,\n", 500) + "\t}\n}\n", ""},
		{"long table", "vault/f.go", "package vault\n\nvar f = []int{\n" + strings.Repeat("\t1,\n", 500) + "}\n", ""},
		{"code in a table", "vault/f.go", "package vault\n\nvar f = []func(){func() {\n" + lines + "}}\n", "405 lines, at most 400"},
		{"long file", "vault/f.go", "package vault\n" + strings.Repeat("// x\n", 400), "401 lines, at most 400"},
		{"just not long", "vault/f.go", "package vault\n" + strings.Repeat("// x\n", 399), ""},
		{"long test", "vault/f_test.go", "package vault\n\nfunc f() {\n" + lines + "}\n", ""},
		{"long script", "hostsetup/remote/x.sh", strings.Repeat(":\n", 401), "401 lines, at most 400"},
		{"exit", "vault/f.go", "package vault\n\nimport \"os\"\n\nfunc f() { os.Exit(1) }\n", "os.Exit outside"},
		{"exit in another file of the program", "cmd/kagiban/f.go", "package main\n\nimport \"os\"\n\nfunc f() { os.Exit(1) }\n", "os.Exit outside"},
		{"print in the program", "cmd/kagiban/f.go", "package main\n\nimport \"fmt\"\n\nfunc f() { fmt.Println() }\n", ""},
		{"stdout", "vault/f.go", "package vault\n\nimport sys \"os\"\n\nvar f = sys.Stdout\n", "os.Stdout outside"},
		{"print", "vault/f.go", "package vault\n\nimport \"fmt\"\n\nfunc f() { fmt.Printf(\"\") }\n", "fmt.Printf outside"},
		{"println", "vault/f.go", "package vault\n\nfunc f() { println(1) }\n", "println outside"},
		{"log.Fatal", "vault/f.go", "package vault\n\nimport \"log\"\n\nfunc f() { log.Fatal(1) }\n", "log.Fatal outside"},
		{"global slog", "vault/f.go", "package vault\n\nimport \"log/slog\"\n\nfunc f() { slog.Info(\"\") }\n", "log/slog.Info outside"},
		{"slog handed in", "vault/f.go", "package vault\n\nimport \"log/slog\"\n\nfunc f(log *slog.Logger) { log.Info(\"\") }\n", ""},
		{"assign", "vault/f_test.go", "package vault\n\nfunc f() { Limit = 2 }\n", "assigns to the package variable Limit"},
		{"increment", "vault/f_test.go", "package vault\n\nfunc f() { Limit++ }\n", "assigns to the package variable Limit"},
		{"assign a part", "vault/f_test.go", "package vault\n\nfunc f() { Limit.a[1] = 2 }\n", "assigns to the package variable Limit"},
		{"assign from outside", "vault/f_test.go", "package vault_test\n\nimport \"kagiban/vault\"\n\nfunc f() { vault.Limit = 2 }\n", "assigns to the package variable vault.Limit"},
		{"assign to the library's", "vault/f_test.go", "package vault_test\n\nimport \"os\"\n\nfunc f() { os.Args = nil }\n", "assigns to the package variable os.Args"},
		{"put off", "vault/f.go", "package vault\n\n// TO" + "DO: more\n", "vault/f.go:3: TO" + "DO"},
		{"put off in a script", "scripts/x", "#!/bin/sh\n# FIX" + "ME\n", "scripts/x:2: FIX" + "ME"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for name, text := range tidy {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			tree[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
			h, err := readHouse(tree, "kagiban")
			if err != nil {
				t.Fatal(err)
			}
			got := h.problems(table)
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("problems %q, want none", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("problems %q, want one with %q", got, tt.want)
			}
		})
	}
}
