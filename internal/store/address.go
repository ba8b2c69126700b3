package store

import "strings"

// BadAddress says what is wrong with the address of a store. It holds no part
// of the address, so that it can be shown to people.
type BadAddress string

func (b BadAddress) Error() string { return "not a URL: " + string(b) }

// unencoded reports whether an address seems to hold a password with a sign that
// ends a host's name. url.Parse would refuse it or misread it, and go-redis would
// repeat the rest of it, or go somewhere else.
func unencoded(address string) bool {
	scheme, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?#")
	return scheme != "unix" && end >= 0 && strings.Contains(rest[end:], "@")
}
