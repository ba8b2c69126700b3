package command

// Servers reads the form's field of servers as Parse reads them, without
// flags. picked are servers that are chosen already; they come first.
func Servers(text string, picked []string) ([]string, Mistakes) {
	p := newParser(text)
	p.cmd.Servers = picked
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		switch {
		case w.unclosed:
			p.openQuote(w)
		case w.flag() != "":
			p.mistake(UnexpectedWord, w.typed, "")
		default:
			p.server(w)
		}
	}
	return p.cmd.Servers, p.mistakes
}

// Tags reads the form's field of tags: tags as in a command, with or without
// --tag before each.
func Tags(text string) ([]string, Mistakes) {
	p := newParser(text)
	for w, ok := p.scan.next(); ok; w, ok = p.scan.next() {
		switch {
		case w.text == "--tag" && w.flag() == "--tag":
		case w.flag() != "":
			p.mistake(UnexpectedWord, w.typed, "")
		default:
			w.text = oneLine(w.text)
			if p.ended(w) {
				p.tag(w)
			}
		}
	}
	return p.cmd.Tags, p.mistakes
}

// Reason reads the form's field of the reason. All of it is the reason.
func Reason(text string) (string, Mistakes) {
	var p parser
	p.reason(oneLine(text))
	return p.cmd.Reason, p.mistakes
}

// Ticket reads the form's field of the ticket. All of it is the ticket.
func Ticket(text string) (string, Mistakes) {
	var p parser
	p.ticket(plainDashes(oneLine(text)))
	return p.cmd.Ticket, p.mistakes
}
