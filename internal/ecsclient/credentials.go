package ecsclient

import (
	"context"

	"ecsbot/internal/secret"
)

// Credentials are an access key and its secret key. The security token is set
// only with temporary keys, which are refused without it.
type Credentials struct {
	AccessKey     string
	SecretKey     secret.String
	SecurityToken secret.String
}

func (c Credentials) equal(d Credentials) bool {
	return c.AccessKey == d.AccessKey && c.SecretKey.Reveal() == d.SecretKey.Reveal() &&
		c.SecurityToken.Reveal() == d.SecurityToken.Reveal()
}

// Source gives the credentials of each request, and learns what the cloud says of
// them. [Fixed], [Files] and [Agency] make one. It belongs to one client, is safe for
// concurrent use, and starts no goroutine.
type Source interface {
	// current returns the credentials to sign with now. Its error names what failed
	// and what to do, and contains no key.
	current(ctx context.Context) (Credentials, error)
	// accepted notes that the cloud accepted a signature with these credentials.
	accepted(Credentials)
	// refused notes that the cloud did not, and reports whether the next request may
	// be signed with others, so that it is worth repeating.
	refused(Credentials) (others bool)
}

// Fixed is a source whose credentials never change.
func Fixed(keys Credentials) Source { return fixed(keys) }

type fixed Credentials

func (f fixed) current(context.Context) (Credentials, error) { return Credentials(f), nil }
func (fixed) accepted(Credentials)                           {}
func (fixed) refused(Credentials) bool                       { return false }
