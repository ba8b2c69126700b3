package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Schema returns the JSON schema of the file, for editors. It finds wrong keys, types
// and texts; contradictions are found by `bot policy check` alone.
func Schema() ([]byte, error) {
	s := schemaOf(reflect.TypeFor[document]())
	s["$schema"] = "http://json-schema.org/draft-07/schema#" // the newest that editors know well
	s["title"] = "CONFIG_FILE of ecsbot"
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

func schemaOf(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, k := range keysOf(t) {
		s := k.schema()
		s["description"] = k.doc
		if k.preset != "" {
			s["description"] = k.doc + " Default: " + k.preset + "."
		}
		properties[k.name] = s
		if k.must != "" {
			required = append(required, k.name)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (k key) schema() map[string]any {
	if k.typ.Kind() == reflect.Slice {
		entry := k
		entry.typ = k.typ.Elem()
		s := map[string]any{"type": "array", "minItems": 1, "items": entry.schema()}
		if k.below() == nil {
			s["uniqueItems"] = true
		}
		return s
	}
	switch {
	case k.typ.Kind() == reflect.Struct:
		return schemaOf(k.typ)
	case k.typ == durationType:
		return map[string]any{"type": "string", "pattern": plainDuration.String(), "minLength": 2}
	case k.typ.Kind() == reflect.Int:
		low, _ := strconv.Atoi(k.low)
		high, _ := strconv.Atoi(k.high)
		return map[string]any{"type": "integer", "minimum": low, "maximum": high}
	case k.typ.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case len(k.oneof) > 0:
		return map[string]any{"type": "string", "enum": k.oneof}
	}
	return map[string]any{"type": "string", "pattern": forms[k.form].pattern.String(), "examples": []string{k.example()}}
}

// Keys returns the tables of docs/config.md: every key with its default and meaning.
func Keys() string {
	var b strings.Builder
	table(&b, "The file", reflect.TypeFor[document]())
	table(&b, "A project", reflect.TypeFor[project]())
	table(&b, "A rule", reflect.TypeFor[rule]())
	table(&b, "`match`", reflect.TypeFor[match]())
	table(&b, "`match.hours`", reflect.TypeFor[hours]())
	table(&b, "`require`", reflect.TypeFor[require]())
	table(&b, "`require.escalate`", reflect.TypeFor[escalate]())
	return b.String()
}

func table(b *strings.Builder, title string, t reflect.Type) {
	fmt.Fprintf(b, "### %s\n\n| key | default | meaning |\n|---|---|---|\n", title)
	for _, k := range keysOf(t) {
		preset, doc := k.preset, k.doc
		if k.must != "" {
			preset = "required"
		}
		if k.low != "" {
			doc += " " + k.low + " to " + k.high + "."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.name, asCode(preset), asCode(doc))
	}
	b.WriteByte('\n')
}

var variables = regexp.MustCompile(`\b(REQUESTERS|APPROVERS|[A-Z]+(_[A-Z]+)+)\b`)

// asCode marks the names of variables.
func asCode(text string) string { return variables.ReplaceAllString(text, "`$1`") }
