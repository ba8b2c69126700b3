package command

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	hyphens    = "-\u2010\u2011\uFE63\uFF0D"            // each counts as one -
	longDashes = "\u2012\u2013\u2014\u2015\u2212\uFE58" // at the start of a word also what is left of --
	separators = " \n,\uFF0C\u3001\u060C\u2022"         // the bullet too: it is never part of a name
	semicolons = ";\uFF1B"
)

func isDash(r rune) bool      { return strings.ContainsRune(hyphens+longDashes, r) }
func isSeparator(r rune) bool { return strings.ContainsRune(separators, r) }

// plainDashes writes every kind of dash inside a word as a hyphen.
func plainDashes(s string) string {
	return strings.Map(func(r rune) rune {
		if isDash(r) {
			return '-'
		}
		return r
	}, s)
}

// Keyboards mix the quotes of one family freely, so any of them opens and any
// of the same family closes.
var quoteFamilies = []string{"\"“”„‟\uFF02", "'‘’‚‛\uFF07", "«»", "‹›"}

func quoteFamily(r rune) string {
	for _, family := range quoteFamilies {
		if strings.ContainsRune(family, r) {
			return family
		}
	}
	return ""
}

// word is one word of the text.
type word struct {
	typed        string // as it is in the text, for showing it to the person
	text         string // without its quotes and code ticks
	start        int    // where it begins in the text
	quoted       bool   // some of it is in quotes: never a verb
	startsQuoted bool   // it begins with a quote: never a flag either
	unclosed     bool   // a quote is never closed; the word is all the rest
}

// flag returns the word's flag in plain form ("--hard", "-h", or "--" alone),
// without what follows an equals sign; "" if the word is no flag.
func (w word) flag() string {
	name, _, _ := strings.Cut(w.text, "=")
	rest := strings.TrimLeftFunc(name, isDash)
	dashes := name[:len(name)-len(rest)]
	switch {
	case w.startsQuoted || dashes == "":
		return ""
	case utf8.RuneCountInString(dashes) == 1 && strings.ContainsAny(dashes, hyphens):
		return "-" + strings.ToLower(plainDashes(rest))
	}
	return "--" + strings.ToLower(plainDashes(rest))
}

// afterEquals returns what follows the word's first equals sign, as a word.
func (w word) afterEquals() (word, bool) {
	_, typed, ok := strings.Cut(w.typed, "=")
	_, w.text, _ = strings.Cut(w.text, "=")
	w.start += len([]rune(w.typed)) - len([]rune(typed))
	w.typed = typed
	return w, ok
}

// scanner walks through the text word by word. The parser may set pos
// back to read a stretch in another way.
type scanner struct {
	text []rune
	pos  int
}

// next reads a word of the kind that separators end.
func (s *scanner) next() (word, bool) {
	for s.skip(); s.pos < len(s.text); s.skip() {
		w := s.readWord()
		if w.text != "" || w.quoted {
			return w, true
		}
	}
	return word{}, false
}

// skip passes over separators and over list bullets.
func (s *scanner) skip() {
	for s.pos < len(s.text) && (isSeparator(s.text[s.pos]) || s.atBullet()) {
		s.pos++
	}
}

// atBullet says whether the star or hyphen here begins a line of a list. A
// star with nothing or only a flag after it is a pattern, and is to be
// refused as one.
func (s *scanner) atBullet() bool {
	if s.text[s.pos] != '*' && s.text[s.pos] != '-' {
		return false
	}
	before, after := s.pos-1, s.pos+1
	for before >= 0 && s.text[before] == ' ' {
		before--
	}
	for after < len(s.text) && s.text[after] == ' ' {
		after++
	}
	atStart := before < 0 || s.text[before] == '\n'
	hasItem := after < len(s.text) && s.text[after] != '\n' && !isDash(s.text[after])
	return atStart && hasItem && after > s.pos+1
}

func (s *scanner) readWord() word {
	w := word{start: s.pos}
	var text []rune
	for s.pos < len(s.text) && !isSeparator(s.text[s.pos]) {
		r := s.text[s.pos]
		if quoteFamily(r) == "" || s.pos > w.start && s.text[s.pos-1] != '=' {
			text = append(text, r)
			s.pos++
			continue
		}
		w.quoted = true
		w.startsQuoted = w.startsQuoted || s.pos == w.start
		inner, closed := s.quote()
		text = append(text, inner...)
		w.unclosed = !closed
	}
	w.typed = string(s.text[w.start:s.pos])
	w.text = string(text)
	if !w.quoted {
		w.text = strings.Trim(w.text, "`")
	}
	return w
}

// quote reads from an opening quote to behind the closing one. Only a quote
// at the end of a word closes, so that 'don't' is one word; a backslash takes
// a quote's meaning away.
func (s *scanner) quote() (inner []rune, closed bool) {
	family := quoteFamily(s.text[s.pos])
	for s.pos++; s.pos < len(s.text); s.pos++ {
		r := s.text[s.pos]
		last := s.pos+1 == len(s.text)
		switch {
		case r == '\\' && !last && (s.text[s.pos+1] == '\\' || quoteFamily(s.text[s.pos+1]) != ""):
			s.pos++
			r = s.text[s.pos]
		case strings.ContainsRune(family, r) && (last || isSeparator(s.text[s.pos+1])):
			s.pos++
			return inner, true
		}
		inner = append(inner, r)
	}
	return inner, false
}

// reason reads free text: what is in quotes, or all words up to the next
// flag. Commas and dashes are part of it.
func (s *scanner) reason() (text string, quoted, unclosed bool) {
	s.skipSpace()
	if s.pos < len(s.text) && quoteFamily(s.text[s.pos]) != "" {
		inner, closed := s.quote()
		return oneLine(string(inner)), true, !closed
	}
	start := s.pos
	for s.pos < len(s.text) {
		chunk := s.chunk()
		if isFlagInProse(string(chunk)) {
			break
		}
		s.pos += len(chunk)
		s.skipSpace()
	}
	text = strings.TrimRight(string(s.text[start:s.pos]), ", \n")
	return oneLine(withoutTicks(text)), false, false
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) && unicode.IsSpace(s.text[s.pos]) {
		s.pos++
	}
}

// chunk is everything up to the next space, commas included.
func (s *scanner) chunk() []rune {
	ahead := s.text[s.pos:]
	if end := slices.IndexFunc(ahead, unicode.IsSpace); end >= 0 {
		return ahead[:end]
	}
	return ahead
}

// rest reads all that is left as free text; flags in it are for the parser to
// refuse.
func (s *scanner) rest() (text string, quoted bool) {
	s.skip()
	all := scanner{text: []rune(strings.TrimSpace(string(s.text[s.pos:])))}
	s.pos = len(s.text)
	if len(all.text) > 0 && quoteFamily(all.text[0]) != "" {
		inner, closed := all.quote()
		if closed && all.pos == len(all.text) {
			return oneLine(string(inner)), true
		}
	}
	first, behind, more := strings.Cut(oneLine(string(all.text)), " ")
	if more && strings.TrimLeftFunc(first, isDash) == "" {
		return behind, false // "deny S-7F3K2 - too many"
	}
	return oneLine(withoutTicks(string(all.text))), false
}

// isFlagInProse distinguishes a flag from a dash that belongs to the sentence: two
// typed hyphens before a letter are always a flag, any other dash only before
// something like a flag's name.
func isFlagInProse(chunk string) bool {
	chunk = strings.Trim(chunk, "`") // as in any other word
	flag := word{text: chunk}.flag()
	switch flag {
	case "", "-":
		return false
	case "--":
		return chunk == "--"
	}
	if rest, ok := strings.CutPrefix(chunk, "--"); ok {
		first, _ := utf8.DecodeRuneInString(rest)
		return unicode.IsLetter(first)
	}
	return nearestFlag(flag) != ""
}
