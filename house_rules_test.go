package kagiban_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxFile = 400 // lines, tables apart
	maxFunc = 60  // lines, tables apart
)

// house is a source tree as the rules see it.
type house struct {
	module   string
	fset     *token.FileSet
	packages map[string][]*source // by folder, "" is the root
	texts    map[string]string    // every text file, by path
}

// source is one Go file.
type source struct {
	path    string
	test    bool
	ast     *ast.File
	imports map[string]string // package name in this file -> import path
}

// readHouse reads the tree; testdata, hidden folders and other modules are not of it.
func readHouse(tree fs.FS, module string) (*house, error) {
	h := &house{module: module, fset: token.NewFileSet(), packages: map[string][]*source{}, texts: map[string]string{}}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return h.enter(tree, name)
		}
		return h.read(tree, name, d)
	})
	return h, err
}

func (h *house) enter(tree fs.FS, name string) error {
	base := path.Base(name)
	if name != "." && base != ".ci" && (base == "testdata" || base == "bin" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil && name != "." {
		return fs.SkipDir
	}
	return nil
}

func (h *house) read(tree fs.FS, name string, d fs.DirEntry) error {
	if info, err := d.Info(); err != nil || !d.Type().IsRegular() || info.Size() > 1<<20 {
		return err
	}
	text, err := fs.ReadFile(tree, name)
	if err != nil || !utf8.Valid(text) {
		return err
	}
	h.texts[name] = string(text)
	if !strings.HasSuffix(name, ".go") {
		return nil
	}
	file, err := parser.ParseFile(h.fset, name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	s := &source{path: name, test: strings.HasSuffix(name, "_test.go"), ast: file, imports: map[string]string{}}
	for _, spec := range file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(p)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		s.imports[local] = p
	}
	dir := path.Dir(name)
	if dir == "." {
		dir = ""
	}
	h.packages[dir] = append(h.packages[dir], s)
	return nil
}

// problems lists what is against the rules, in a fixed order.
func (h *house) problems(table map[string][]string) []string {
	var all []string
	for dir, files := range h.packages {
		all = append(all, h.importProblems(dir, files, table)...)
		all = append(all, docProblems(dir, files)...)
		all = append(all, h.assignProblems(dir, files)...)
		for _, f := range files {
			all = append(all, h.sizeProblems(f)...)
			all = append(all, h.printProblems(dir, f)...)
		}
	}
	for name, text := range h.texts {
		all = append(all, textProblems(name, text)...)
	}
	slices.Sort(all)
	return all
}

// openRoom may be imported by every package with a row: whole files and private folders.
const openRoom = "vault/safefile"

// importProblems: a package imports, of ours, only what its row names.
func (h *house) importProblems(dir string, files []*source, table map[string][]string) []string {
	allowed, ok := table[dir]
	if !ok && strings.HasPrefix(dir, "scripts/") {
		allowed, ok = table["scripts/*"]
	}
	if !ok {
		return []string{fmt.Sprintf("%s: the table of the house has no row for this package", dir)}
	}
	var all []string
	for _, f := range files {
		for _, p := range f.imports {
			ours, found := strings.CutPrefix(p, h.module+"/")
			if found && !f.test && ours != openRoom && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
				all = append(all, fmt.Sprintf("%s: %q may not import %q", f.path, dir, ours))
			}
		}
	}
	return all
}

// docProblems: every package says what it promises, in one doc comment.
func docProblems(dir string, files []*source) []string {
	onlyTests := !slices.ContainsFunc(files, func(f *source) bool { return !f.test })
	var docs []string
	for _, f := range files {
		if f.ast.Doc == nil || f.test && !onlyTests {
			continue
		}
		docs = append(docs, f.path)
		want := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(f.ast.Doc.Text(), want) {
			return []string{fmt.Sprintf("%s: the package comment must begin with %q", f.path, want)}
		}
	}
	switch len(docs) {
	case 0:
		return []string{fmt.Sprintf("%s: no file has a package comment", dir)}
	case 1:
		return nil
	}
	slices.Sort(docs)
	return []string{fmt.Sprintf("%s: more than one package comment: %s", dir, strings.Join(docs, ", "))}
}

// sizeProblems: files and functions that fit into a head. Tests do not count,
// nor do tables: a composite literal at package level, or a function that only returns one.
func (h *house) sizeProblems(f *source) []string {
	if f.test {
		return nil
	}
	var all []string
	length := strings.Count(h.texts[f.path], "\n")
	for _, d := range f.ast.Decls {
		lines := h.fset.Position(d.End()).Line - h.fset.Position(d.Pos()).Line + 1
		if isTable(d) {
			length -= lines
			continue
		}
		if fn, ok := d.(*ast.FuncDecl); ok && lines > maxFunc {
			all = append(all, fmt.Sprintf("%s: func %s has %d lines, at most %d", f.path, fn.Name.Name, lines, maxFunc))
		}
	}
	if length > maxFile {
		all = append(all, fmt.Sprintf("%s: %d lines, at most %d", f.path, length, maxFile))
	}
	return all
}

func isTable(d ast.Decl) bool {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Body == nil || len(d.Body.List) != 1 {
			return false
		}
		ret, ok := d.Body.List[0].(*ast.ReturnStmt)
		return ok && len(ret.Results) == 1 && isLiteral(ret.Results[0])
	case *ast.GenDecl:
		if d.Tok != token.VAR || len(d.Specs) != 1 {
			return false
		}
		v := d.Specs[0].(*ast.ValueSpec)
		return len(v.Values) == 1 && isLiteral(v.Values[0])
	}
	return false
}

// isLiteral: a composite literal with no code inside.
func isLiteral(e ast.Expr) bool {
	_, ok := e.(*ast.CompositeLit)
	ast.Inspect(e, func(n ast.Node) bool {
		if _, code := n.(*ast.FuncLit); code {
			ok = false
		}
		return ok
	})
	return ok
}

// loud are the names through which code prints, logs or exits behind its
// caller's back; "" stands for Go's own functions.
var loud = map[string]*regexp.Regexp{
	"":         regexp.MustCompile(`^(print|println)$`),
	"os":       regexp.MustCompile(`^(Exit|Stdout|Stderr)$`),
	"fmt":      regexp.MustCompile(`^Print`),
	"log":      regexp.MustCompile(`^((Print|Fatal|Panic)(f|ln)?|Output|Default|Set.*|Writer)$`),
	"log/slog": regexp.MustCompile(`^((Debug|Info|Warn|Error)(Context)?|Log|LogAttrs|Default|SetDefault|SetLogLoggerLevel|With)$`),
	"syscall":  regexp.MustCompile(`^(Exit|Stdout|Stderr)$`),
}

// printProblems: only cmd/kagiban prints, and only its main.go exits. Programs
// under scripts and tests are free.
func (h *house) printProblems(dir string, f *source) []string {
	if f.test || strings.HasPrefix(dir, "scripts/") {
		return nil
	}
	var all []string
	complain := func(pos token.Pos, what string) {
		all = append(all, fmt.Sprintf("%s: %s outside cmd/kagiban (exits: its main.go)", h.fset.Position(pos), what))
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Obj == nil && loud[""].MatchString(id.Name) {
				complain(n.Pos(), id.Name)
			}
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if !ok || id.Obj != nil {
				return true
			}
			pkg := f.imports[id.Name]
			exits := n.Sel.Name == "Exit"
			free := dir == "cmd/kagiban" && (!exits || f.path == "cmd/kagiban/main.go")
			if re := loud[pkg]; pkg != "" && re != nil && re.MatchString(n.Sel.Name) && !free {
				complain(n.Pos(), pkg+"."+n.Sel.Name)
			}
		}
		return true
	})
	return all
}

// assignProblems: no test assigns to a variable of a package, ours or another's:
// what tests need to vary is a field or an argument.
func (h *house) assignProblems(dir string, files []*source) []string {
	vars := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		for name, obj := range f.ast.Scope.Objects {
			vars[name] = vars[name] || obj.Kind == ast.Var
		}
	}
	var all []string
	for _, f := range files {
		if !f.test {
			continue
		}
		check := func(target ast.Expr) {
			if name := f.packageVar(target, vars); name != "" {
				all = append(all, fmt.Sprintf("%s: a test assigns to the package variable %s", h.fset.Position(target.Pos()), name))
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, target := range n.Lhs {
						check(target)
					}
				}
			case *ast.IncDecStmt:
				check(n.X)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					check(n.Key)
				}
			}
			return true
		})
	}
	return all
}

// packageVar is the package variable that an assignment to target changes, or "".
func (f *source) packageVar(target ast.Expr, vars map[string]bool) string {
	switch t := target.(type) {
	case *ast.Ident:
		if t.Obj == nil && vars[t.Name] {
			return t.Name
		}
	case *ast.SelectorExpr:
		if id, ok := t.X.(*ast.Ident); ok && id.Obj == nil && f.imports[id.Name] != "" {
			return id.Name + "." + t.Sel.Name
		}
		return f.packageVar(t.X, vars)
	case *ast.IndexExpr:
		return f.packageVar(t.X, vars)
	case *ast.StarExpr:
		return f.packageVar(t.X, vars)
	case *ast.ParenExpr:
		return f.packageVar(t.X, vars)
	}
	return ""
}

// later matches the words by which work is put off; work is done or is an issue.
var later = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)

// textProblems: rules for files of any kind, the server's half among them.
func textProblems(name, text string) []string {
	var all []string
	for i, line := range strings.Split(text, "\n") {
		if word := later.FindString(line); word != "" {
			all = append(all, fmt.Sprintf("%s:%d: %s", name, i+1, word))
		}
	}
	script := strings.HasSuffix(name, ".sh") || strings.HasPrefix(text, "#!")
	if n := strings.Count(text, "\n"); script && n > maxFile {
		all = append(all, fmt.Sprintf("%s: %d lines, at most %d", name, n, maxFile))
	}
	return all
}
