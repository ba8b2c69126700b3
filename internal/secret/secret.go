// Package secret has a string that is not printed by accident: tokens, keys,
// and addresses that hold a password.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[secret]"

// String is a string that is not printed: fmt with any verb, log/slog, JSON and
// text give "[secret]", and only Reveal gives the value. The zero value is the
// empty string.
//
// The value is behind a pointer. Where fmt cannot call the methods (in an
// unexported field of a struct that is printed, or for %p) it shows an address.
type String struct{ value *string }

// New hides a string.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{&s}
}

// Reveal returns the value.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String implements fmt.Stringer.
func (String) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (String) GoString() string { return hidden }

// Format implements fmt.Formatter: verbs such as %x, %q and %d, which would ask
// neither String nor GoString, are covered too.
func (String) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, hidden) }

// LogValue implements slog.LogValuer.
func (String) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, which encoding/json uses, too.
func (String) MarshalText() ([]byte, error) { return []byte(hidden), nil }
