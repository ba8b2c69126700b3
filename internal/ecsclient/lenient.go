package ecsclient

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// The types here decode what a field should contain, and anything else as empty. The
// cloud's answers differ from their documentation: numbers arrive as strings, objects
// as lists, and one such field must not make a whole answer unreadable.

// text is a string; numbers and booleans are taken as they are written.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch raw[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = text(s)
	case '{', '[', 'n':
	default:
		*t = text(raw)
	}
	return nil
}

// flag is a boolean, perhaps written as a string or as 0 and 1.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	yes, _ := strconv.ParseBool(strings.Trim(string(raw), `"`))
	*f = flag(yes)
	return nil
}

// loose holds a T, or T's zero value if the field contains something else.
type loose[T any] struct{ is T }

func (l *loose[T]) UnmarshalJSON(raw []byte) error {
	var v T
	if json.Unmarshal(raw, &v) == nil {
		l.is = v
	}
	return nil
}

// whole makes a decoder from one that needs the whole body.
func whole(decode func([]byte) error) func(io.Reader) error {
	return func(r io.Reader) error {
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return decode(body)
	}
}
