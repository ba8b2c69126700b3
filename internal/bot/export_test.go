package bot

import (
	"context"
	"io"
)

// Explain is `bot policy explain` in an environment.
func Explain(ctx context.Context, args []string, lookup Lookup, stdout, stderr io.Writer) int {
	e, err := readExplanation(args, stderr)
	if err != nil {
		return exitUsage
	}
	return explainPolicy(ctx, e, lookup, stdout, stderr)
}

// Fast is the quick clock of the stories.
var Fast = fast
