package jobs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A decision is logged under the value of its approvals.Choice. Package audit must
// not import approvals, so this compares the constants of both.
func TestEveryChoiceIsADocumentedAuditEvent(t *testing.T) {
	events := stringConstants(t, "../audit", "Event")
	choices := stringConstants(t, "../approvals", "Choice")
	if len(choices) < 8 {
		t.Fatalf("found only these choices: %q", choices)
	}
	for _, choice := range choices {
		if !slices.Contains(events, choice) {
			t.Errorf("package audit has no event %q", choice)
		}
	}
}

// In package audit a reader of the audit log finds each event explained.
func TestAuditEventsAreConstantsOfPackageAudit(t *testing.T) {
	found := 0
	for _, file := range parsed(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			var event ast.Expr
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Event" {
					event = n.Value
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "moveBatch" || f.Sel.Name == "batchEntry") {
					event = n.Args[len(n.Args)-1]
				}
			}
			if event != nil {
				found++
			}
			if text, ok := event.(*ast.BasicLit); ok {
				t.Errorf("audit event %s is no constant of package audit", text.Value)
			}
			return true
		})
	}
	if found < 15 {
		t.Errorf("found only %d audit events", found)
	}
}

// stringConstants are the values of a package's constants of the type.
func stringConstants(t *testing.T, dir, typ string) []string {
	t.Helper()
	var values []string
	for _, file := range parsed(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typ {
				return true
			}
			for _, v := range spec.Values {
				if text, ok := v.(*ast.BasicLit); ok {
					s, err := strconv.Unquote(text.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, s)
				}
			}
			return true
		})
	}
	return values
}

// parsed is the source of a package, without its tests.
func parsed(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
