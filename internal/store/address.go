package store

import "strings"

// BadAddress says what is wrong with a Redis address. It contains no part of the
// address, so it can be shown to people.
type BadAddress string

func (b BadAddress) Error() string { return "not a URL: " + string(b) }

// unencoded reports whether an address seems to contain a password with a
// character that ends a host name. url.Parse would reject or misread it, and
// go-redis would print the rest of it, or connect to another host.
func unencoded(address string) bool {
	scheme, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest, "/?#")
	return scheme != "unix" && end >= 0 && strings.Contains(rest[end:], "@")
}
