package ecsclient

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[secret]"

// Secret is a string that cannot be printed. Every usual way of writing a
// value (fmt with any verb, log/slog, JSON, text) gives "[secret]"; only an
// explicit conversion with string(s) gives the value.
//
// One way round remains, and it is fmt's: a Secret inside an unexported field
// of a struct that is itself printed cannot be asked how it wants to look, and
// shows its value. Client keeps its keys in a closure for that reason.
type Secret string

// String implements fmt.Stringer.
func (Secret) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return hidden }

// Format implements fmt.Formatter: verbs such as %x and %q, which would ask
// neither String nor GoString, are covered too.
func (Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, hidden) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Credentials are an access key and its secret key. The security token is set
// only with temporary keys, which are refused without it.
type Credentials struct {
	AccessKey     string
	SecretKey     Secret
	SecurityToken Secret
}
