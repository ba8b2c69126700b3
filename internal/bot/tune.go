//go:build !crashpoints

package bot

// buildTune changes nothing: only a build with the tag crashpoints, as the story tests
// make it, can run with shorter times.
func buildTune() Tune { return nil }
