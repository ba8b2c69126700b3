package config

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse returns the value of the only document in a file, or nil and a fault.
func (d *decoder) parse(text []byte) *yaml.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if d.unreadable(text) {
		return nil
	}
	var first, second yaml.Node
	read := yaml.NewDecoder(bytes.NewReader(text))
	err := read.Decode(&first)
	if err == io.EOF || err == nil && isEmpty(&first) {
		d.fault(1, 1, "is empty; write projects: and below it a list of at least one project")
		return nil
	}
	if err != nil {
		d.syntax(text, err)
		return nil
	}
	switch err := read.Decode(&second); {
	case err == io.EOF, err == nil && isEmpty(&second):
	case err == nil:
		d.fault(second.Line, second.Column, "is the second document of this file; keep one, without a line --- in it")
	default:
		d.syntax(text, err)
	}
	return first.Content[0]
}

// isEmpty reports whether a document has no value.
func isEmpty(n *yaml.Node) bool {
	return len(n.Content) == 0 || n.Content[0].ShortTag() == "!!null"
}

// unreadable finds what is not text. The library says that without the line.
func (d *decoder) unreadable(text []byte) bool {
	line, col := 1, 1
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			d.fault(line, col, "is not UTF-8 text; save the file as UTF-8")
			return true
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f, // and what is a new line for YAML, but not for editors:
			r == '\r' && !bytes.HasPrefix(text, []byte("\r\n")), r == '\u0085', r == '\u2028', r == '\u2029':
			d.fault(line, col, "is a control character; delete it")
			return true
		case r == '\n':
			line, col = line+1, 0
		}
		text, col = text[n:], col+1
	}
	return false
}

var (
	whereInYAML  = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)
	unknownAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// problems are the library's words for what is wrong, and ours. Its words for others
// are shown as they are: they never quote the file.
var problems = []struct{ theirs, ours string }{
	{"mapping values are not allowed", "a key may not stand here; check the indentation, and put a text with a colon in quotes"},
	{"did not find expected ',' or ']'", "a list is not closed; write ] at its end, and a comma between its entries"},
	{"did not find expected ',' or '}'", "a mapping is not closed; write } at its end, and a comma between its keys"},
	{"did not find expected '-' indicator", "an entry of a list or a key is not indented like the others before it; give all of them the same spaces"},
	{"did not find expected key", "a key is not indented like the others before it; give all of them the same spaces"},
	{"could not find expected ':'", "a key has no colon; write key: value"},
	{"found unexpected end of stream", "a quote is not closed; write it at the end of the text"},
	{"found character that cannot start any token", "a value begins with a character that YAML keeps for itself; put the text in quotes"},
	{"found unknown escape character", "a text in double quotes has a backslash; put it in single quotes"},
	{"did not find expected alphabetic or numeric character", "a value begins with * or &; put the text in quotes"},
	{"did not find expected node content", "a value is missing; write it, or put the text in quotes"},
}

// ofTheParser are problems whose line the library counts from 0.
var ofTheParser = regexp.MustCompile(`^(did not find expected (<|'-'|key|node content|',' or)|found undefined tag|found duplicate|found incompatible)`)

// syntax adds a fault for the library's error. A tab is its usual cause, which the
// library does not say.
func (d *decoder) syntax(text []byte, err error) {
	lines := strings.Split(string(text), "\n")
	if d.tabs(lines) {
		return
	}
	message := err.Error()
	where := whereInYAML.FindStringSubmatch(message)
	message = whereInYAML.ReplaceAllString(message, "")
	line := 1
	if where != nil {
		line, _ = strconv.Atoi(where[1])
		if ofTheParser.MatchString(message) {
			line++
		}
	}
	if name := unknownAlias.FindStringSubmatch(message); name != nil {
		for i, l := range lines {
			if col := strings.Index(l, "*"+name[1]); col >= 0 {
				d.fault(i+1, utf8.RuneCountInString(l[:col])+1, "a value that begins with * means a value that an & before it names, and there is none; put the text in quotes")
				return
			}
		}
		message = "a value begins with *; put the text in quotes"
	}
	for _, p := range problems {
		if strings.HasPrefix(message, p.theirs) {
			message = p.ours
			break
		}
	}
	line = min(max(line, 1), len(lines))
	if len(lines) <= 2000 {
		line = lineOf(lines, err)
	}
	l := lines[line-1]
	d.fault(line, len(l)-len(strings.TrimLeft(l, " "))+1, "is not YAML: "+message)
}

// lineOf is the line from which on the file has this error. The library names the line
// where the list begins that the error is in, or where a quote does not end.
func lineOf(lines []string, err error) int {
	same := func(n int) bool {
		read := yaml.NewDecoder(strings.NewReader(strings.Join(lines[:n], "\n") + "\n"))
		var doc yaml.Node
		var got error
		for got == nil {
			got = read.Decode(&doc)
		}
		return got != io.EOF && whereInYAML.ReplaceAllString(got.Error(), "") == whereInYAML.ReplaceAllString(err.Error(), "")
	}
	n := len(lines)
	for n > 1 && same(n-1) {
		n--
	}
	return n
}

// tabs adds a fault for each line that is indented with a tab.
func (d *decoder) tabs(lines []string) (found bool) {
	for i, l := range lines {
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && strings.TrimSpace(l) != "" {
			d.fault(i+1, tab+1, "is indented with a tab; use spaces")
			found = true
		}
	}
	return found
}
