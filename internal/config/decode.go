package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"go.yaml.in/yaml/v3"
)

// decoder reads YAML into the types of document.go, and collects what is wrong.
type decoder struct {
	file   string
	faults []Fault
	at     map[any]place // where each value stands, by its address; without an entry it is not in the file
	bad    map[any]bool  // values with faults, by their addresses
}

// place is where a value stands. An entry of a list has no key.
type place struct{ key, value *yaml.Node }

func (d *decoder) fault(line, col int, message string) {
	d.faults = append(d.faults, Fault{d.file, line, col, message})
}

// wrong adds a fault at a node.
func (d *decoder) wrong(n *yaml.Node, format string, args ...any) {
	d.fault(n.Line, n.Column, fmt.Sprintf(format, args...))
}

// has reports whether the value at an address is in the file.
func (d *decoder) has(address any) bool { _, has := d.at[address]; return has }

// contradicts adds a fault where the key of a value stands.
func (d *decoder) contradicts(address any, format string, args ...any) {
	p := d.at[address]
	d.wrong(cmp.Or(p.key, p.value), format, args...)
}

// key is a field of one of the types in document.go.
type key struct {
	name      string
	form      string
	oneof     []string
	low, high string // of the range
	must      string
	preset    string // the default
	doc       string
	index     int
	typ       reflect.Type
}

// keysOf lists the keys of a type.
func keysOf(t reflect.Type) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		k := key{name: f.Tag.Get("yaml"), form: f.Tag.Get("form"), oneof: strings.Fields(f.Tag.Get("oneof")), must: f.Tag.Get("must"), preset: f.Tag.Get("default"), doc: f.Tag.Get("doc"), index: i, typ: f.Type}
		k.low, k.high, _ = strings.Cut(f.Tag.Get("range"), " ")
		keys = append(keys, k)
	}
	return keys
}

// below is the type of the mappings in a key, or nil.
func (k key) below() reflect.Type {
	t := k.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return t
	}
	return nil
}

// example is a value for a key.
func (k key) example() string {
	switch {
	case k.form != "":
		return forms[k.form].example
	case len(k.oneof) > 0:
		return k.oneof[0]
	}
	return ""
}

func (d *decoder) document(n *yaml.Node, doc *document) {
	d.mapping(n, "the file", reflect.ValueOf(doc).Elem(), nil)
}

var durationType = reflect.TypeFor[time.Duration]()

// value reads the value of a key.
func (d *decoder) value(n *yaml.Node, k key, v reflect.Value, parents []reflect.Type) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	faults := len(d.faults)
	defer func() { d.bad[v.Addr().Interface()] = len(d.faults) > faults }()
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		d.wrong(n, "%s has a tag, which begins with !; leave the tag out", k.name)
	case n.ShortTag() == "!!null":
		d.wrong(n, "%s has no value; write one or leave the key out", k.name)
	case v.Kind() == reflect.Struct:
		d.mapping(n, k.name, v, parents)
	case v.Kind() == reflect.Slice:
		d.list(n, k, v, parents)
	case n.Kind != yaml.ScalarNode:
		d.wrong(n, "%s is %s; write one value", k.name, kindOf(n))
	default:
		d.scalar(n, k, v)
	}
}

// mapping reads keys and their values.
func (d *decoder) mapping(n *yaml.Node, name string, v reflect.Value, parents []reflect.Type) {
	keys := keysOf(v.Type())
	if n.Kind != yaml.MappingNode {
		var names []string
		for _, k := range keys {
			names = append(names, k.name)
		}
		d.wrong(n, "%s is %s; write keys with values: %s", name, kindOf(n), strings.Join(names, ", "))
		return
	}
	if len(n.Content) == 0 {
		d.wrong(n, "%s is empty; write a key with its value, or leave it out", name)
		return
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		written, value := n.Content[i], n.Content[i+1]
		if written.Kind != yaml.ScalarNode || written.ShortTag() != "!!str" {
			d.notAKey(written)
			continue
		}
		if first := seen[written.Value]; first != nil {
			d.wrong(written, "%s is there twice; the first is in line %d", shown(written.Value), first.Line)
			continue
		}
		seen[written.Value] = written
		at := slices.IndexFunc(keys, func(k key) bool { return k.name == written.Value })
		if at < 0 {
			d.unknown(written, keys, parents)
			continue
		}
		field := v.Field(keys[at].index)
		d.at[field.Addr().Interface()] = place{written, value}
		d.value(value, keys[at], field, append(parents[:len(parents):len(parents)], v.Type()))
	}
	for _, k := range keys {
		if k.must != "" && seen[k.name] == nil {
			d.wrong(n.Content[0], "%s is missing; it has to be %s", k.name, k.must)
		}
	}
}

func (d *decoder) notAKey(n *yaml.Node) {
	if n.ShortTag() == "!!merge" {
		d.wrong(n, "<< is not supported; write the keys out")
		return
	}
	d.wrong(n, "a key is %s; write the name of a key", kindOf(n))
}

// secretKeys are what people call a secret.
var secretKeys = regexp.MustCompile(`^(ak|sk|access_?key(_?id)?|secret(_?access)?_?key|secret|(security_?)?token|password|credentials?|key|huaweicloud_sdk_(ak|sk|security_token))$`)

// unknown says what to write instead of a key that there is not.
func (d *decoder) unknown(n *yaml.Node, keys []key, parents []reflect.Type) {
	simple := strings.ToLower(strings.ReplaceAll(n.Value, "-", "_"))
	if secretKeys.MatchString(simple) {
		what := "sk"
		switch {
		case strings.Contains(simple, "token"):
			what = "security_token"
		case strings.HasSuffix(simple, "ak"), strings.HasPrefix(simple, "access"):
			what = "ak"
		}
		d.wrong(n, "%s would be a secret in this file; write %s_env with the name of the variable that holds it, or %s_file with the path of a file", shown(n.Value), what, what)
		return
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	// A key that belongs one step further in or out is a matter of place.
	if path := pathTo(keys, n.Value); path != nil {
		d.wrong(n, "%s belongs into %s; indent it below %s:", shown(n.Value), strings.Join(path, "."), path[len(path)-1])
		return
	}
	for _, p := range slices.Backward(parents) {
		if hasKey(p, n.Value) {
			d.wrong(n, "%s belongs to the %s; give it the indentation of that", shown(n.Value), p.Name())
			return
		}
	}
	if near := approvals.Near(simple, names, 1); slices.Contains(names, simple) {
		d.wrong(n, "%s is not a key; did you mean %s?", shown(n.Value), simple)
	} else if len(near) > 0 {
		d.wrong(n, "%s is not a key; did you mean %s?", shown(n.Value), near[0])
	} else {
		d.wrong(n, "%s is not a key; there are %s", shown(n.Value), strings.Join(names, ", "))
	}
}

// pathTo is the way from a mapping to one further in that has a key of this name.
func pathTo(keys []key, name string) []string {
	for _, k := range keys {
		if below := k.below(); below != nil && hasKey(below, name) {
			return []string{k.name}
		}
	}
	for _, k := range keys {
		if below := k.below(); below != nil {
			if path := pathTo(keysOf(below), name); path != nil {
				return append([]string{k.name}, path...)
			}
		}
	}
	return nil
}

func hasKey(t reflect.Type, name string) bool {
	return slices.ContainsFunc(keysOf(t), func(k key) bool { return k.name == name })
}

// list reads the entries of a list.
func (d *decoder) list(n *yaml.Node, k key, v reflect.Value, parents []reflect.Type) {
	inner := k.below()
	if n.Kind != yaml.SequenceNode {
		if inner != nil {
			d.wrong(n, "%s is not a list; begin each entry with a hyphen", k.name)
		} else {
			d.wrong(n, "%s is not a list; write it like [%s]", k.name, k.example())
		}
		return
	}
	if len(n.Content) == 0 {
		d.wrong(n, "%s is empty; write an entry or leave the key out", k.name)
		return
	}
	// Made in one piece, so that the addresses of its entries stay. An entry that is
	// wrong stays empty.
	all := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	v.Set(all)
	entry := k
	entry.typ = v.Type().Elem()
	if inner != nil {
		entry.name = "an entry of " + k.name
	}
	seen := map[string]bool{}
	for i, c := range n.Content {
		e := all.Index(i)
		if inner == nil {
			if c.Kind == yaml.AliasNode {
				c = c.Alias
			}
			if c.Kind == yaml.ScalarNode && seen[c.Value] {
				d.wrong(c, "%s holds %s twice", k.name, shown(c.Value))
				continue
			}
			seen[c.Value] = true
		}
		d.at[e.Addr().Interface()] = place{nil, c}
		d.value(c, entry, e, parents)
	}
}

// scalar reads a single value.
func (d *decoder) scalar(n *yaml.Node, k key, v reflect.Value) {
	tag := n.ShortTag()
	switch {
	case v.Type() == durationType:
		low, _ := time.ParseDuration(k.low)
		high, _ := time.ParseDuration(k.high)
		t, err := time.ParseDuration(n.Value)
		if err != nil || !plainDuration.MatchString(n.Value) || t < low || t > high {
			d.wrong(n, "%s is not a time from %s to %s; write it like 90s, 35m or 1h30m", k.name, k.low, k.high)
			return
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.Int:
		low, _ := strconv.Atoi(k.low)
		high, _ := strconv.Atoi(k.high)
		i, err := strconv.Atoi(n.Value)
		switch {
		case tag == "!!str" && err == nil:
			d.wrong(n, "%s is text; write the number without quotes", k.name)
		case err != nil || i < low || i > high || tag != "!!int":
			d.wrong(n, "%s is not a number from %d to %d", k.name, low, high)
		default:
			v.SetInt(int64(i))
		}
	case v.Kind() == reflect.Bool:
		if tag != "!!bool" {
			d.wrong(n, "%s is neither true nor false; write one of them without quotes", k.name)
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	default:
		d.text(n, k, v)
	}
}

var plainDuration = regexp.MustCompile(`^([0-9]+h)?([0-9]+m)?([0-9]+s)?$`)

// text reads a text, which has a form or is one of several.
func (d *decoder) text(n *yaml.Node, k key, v reflect.Value) {
	f := forms[k.form]
	if tag := n.ShortTag(); tag != "!!str" {
		what := map[string]string{"!!bool": "true or false", "!!timestamp": "a date"}[tag]
		if what == "" {
			what = "a number"
		}
		if k.form == "sentence" || len(k.oneof) > 0 {
			d.wrong(n, "%s is %s; write it like %s", k.name, what, strconv.Quote(k.example()))
		} else {
			d.wrong(n, "%s is %s; write text, in quotes if it looks like one", k.name, what)
		}
		return
	}
	good, what, write := f.pattern != nil && f.fits(n.Value), f.what, f.write
	if len(k.oneof) > 0 {
		good = slices.Contains(k.oneof, n.Value)
		what, write = "one of "+strings.Join(k.oneof, ", "), strings.Join(k.oneof, " or ")
		if len(k.oneof) == 1 {
			what = k.oneof[0]
			write += " or leave the key out"
		}
	}
	switch {
	case good:
		v.SetString(n.Value)
	case k.typ.Kind() == reflect.String && d.isEntry(v):
		d.wrong(n, "%s holds %s, which is not %s; write %s", k.name, shown(n.Value), what, write)
	default:
		d.wrong(n, "%s is not %s; write %s", k.name, what, write)
	}
}

// isEntry reports whether a value is an entry of a list.
func (d *decoder) isEntry(v reflect.Value) bool {
	return d.at[v.Addr().Interface()].key == nil
}

// shown quotes what is in the file. A long text is not shown: somebody may have put a
// secret in the wrong place.
func shown(s string) string {
	if len(s) > 30 || strings.ContainsAny(s, "\r\n") {
		return "a long text"
	}
	return strconv.Quote(s)
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "empty"
	}
	return "a single value"
}
