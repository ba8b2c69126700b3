package approvals

import (
	"bytes"
	"encoding/json"
)

// NewerFields are the fields of a stored record that this version does not know,
// because a newer replica wrote them. They are written back with the record, so that
// two versions can work side by side, or an upgrade can be rolled back. The zero
// value has none.
type NewerFields struct {
	raw   []byte // the record as it was read
	known []byte // what this version understood of it
}

// DecodeRecord reads a record into v, a pointer to a struct without methods for
// JSON, and returns what v has no fields for.
func DecodeRecord(record []byte, v any) (*NewerFields, error) {
	strict := json.NewDecoder(bytes.NewReader(record))
	strict.DisallowUnknownFields()
	if strict.Decode(v) == nil {
		return nil, nil
	}
	if err := json.Unmarshal(record, v); err != nil {
		return nil, err
	}
	known, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return &NewerFields{raw: bytes.Clone(record), known: known}, nil
}

// Encode marshals v, which was made from the record that u was read from, and puts
// the fields of u back at the same place, unless v has a field there itself. Elements
// of lists are matched by position.
func (u *NewerFields) Encode(v any) ([]byte, error) {
	now, err := json.Marshal(v)
	if err != nil || u == nil {
		return now, err
	}
	raw, known, next := tree(u.raw), tree(u.known), tree(now)
	return json.Marshal(carried(raw, known, next))
}

// without is u without what it has of these fields of the record.
func (u *NewerFields) without(fields ...string) *NewerFields {
	if u == nil {
		return nil
	}
	raw, ok := tree(u.raw).(map[string]any)
	if !ok {
		return u
	}
	for _, name := range fields {
		delete(raw, name)
	}
	record, err := json.Marshal(raw)
	if err != nil {
		return u
	}
	return &NewerFields{raw: record, known: u.known}
}

// FromNewer reports whether a newer version wrote fields into the batch that this one
// does not know. Then it must not be split: the fields may refer to any server.
func (b Batch) FromNewer() bool { return b.newer != nil }

// tree decodes JSON to maps and lists, with numbers kept as they are written.
func tree(b []byte) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// carried is next with everything of raw that was not known.
func carried(raw, known, next any) any {
	switch raw := raw.(type) {
	case map[string]any:
		knownFields, ok := known.(map[string]any)
		fields, ok2 := next.(map[string]any)
		if !ok || !ok2 {
			return next
		}
		for name, value := range raw {
			was, understood := knownFields[name]
			is, written := fields[name]
			switch {
			case !understood && !written:
				fields[name] = value
			case understood && written:
				fields[name] = carried(value, was, is)
			}
		}
	case []any:
		knownList, _ := known.([]any)
		list, _ := next.([]any)
		for i := range min(len(raw), len(knownList), len(list)) {
			list[i] = carried(raw[i], knownList[i], list[i])
		}
	}
	return next
}

// Requests, batches and the freeze keep fields that they do not know.

func (r *Request) UnmarshalJSON(b []byte) (err error) {
	type plain Request
	var p plain
	newer, err := DecodeRecord(b, &p)
	if err != nil {
		return err
	}
	*r = Request(p)
	r.newer = newer
	return nil
}

func (r Request) MarshalJSON() ([]byte, error) {
	type plain Request
	return r.newer.Encode(plain(r))
}

func (b *Batch) UnmarshalJSON(data []byte) error {
	type plain Batch
	var p plain
	newer, err := DecodeRecord(data, &p)
	if err != nil {
		return err
	}
	*b = Batch(p)
	b.newer = newer
	return nil
}

func (b Batch) MarshalJSON() ([]byte, error) {
	type plain Batch
	return b.newer.Encode(plain(b))
}

func (f *Freeze) UnmarshalJSON(b []byte) error {
	type plain Freeze
	var p plain
	newer, err := DecodeRecord(b, &p)
	if err != nil {
		return err
	}
	*f = Freeze(p)
	f.newer = newer
	return nil
}

func (f Freeze) MarshalJSON() ([]byte, error) {
	type plain Freeze
	return f.newer.Encode(plain(f))
}
