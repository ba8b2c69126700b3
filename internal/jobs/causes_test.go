package jobs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// What people read is made of causes, and said by the Slack side. The type of a
// cause keeps sentences out of a batch; this keeps them out of notes: none is
// written where a note says why.
func TestNoNoteHoldsASentence(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	notes := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		check := func(why ast.Expr) {
			ast.Inspect(why, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					t.Errorf("%s: %s is shown to people; make it a cause", set.Position(l.Pos()), l.Value)
				}
				return true
			})
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Note" {
					notes++
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Why" {
					check(n.Value)
				}
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && (s.Sel.Name == "Why" || s.Sel.Name == "Detail") {
						for _, right := range n.Rhs {
							check(right)
						}
					}
				}
			}
			return true
		})
	}
	if notes < 10 {
		t.Errorf("only %d notes were found", notes)
	}
}
