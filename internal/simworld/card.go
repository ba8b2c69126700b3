package simworld

import (
	"fmt"

	"ecsbot/internal/slacksim"
)

// Ask asks for servers and returns the card.
func (p *People) Ask(user, text string) slacksim.Message {
	p.T.Helper()
	return p.NewCard(func() { p.Command(user, text) })
}

// NewCard waits for the card that comes of what is done, and returns it.
func (p *People) NewCard(do func()) slacksim.Message {
	p.T.Helper()
	n := len(p.Slack.Messages(p.Ops))
	do()
	return p.Card(n)
}

// Card waits for the n-th card (from 0) and returns it.
func (p *People) Card(n int) slacksim.Message {
	p.T.Helper()
	p.appears(fmt.Sprintf("card %d", n), func() bool { return len(p.Slack.Messages(p.Ops)) > n })
	return p.Slack.Messages(p.Ops)[n]
}

// Now is the card as it is now.
func (p *People) Now(card slacksim.Message) slacksim.Message {
	p.T.Helper()
	for _, m := range p.Slack.Messages(card.Channel) {
		if m.TS == card.TS {
			return m
		}
	}
	p.T.Fatalf("the card is gone")
	return card
}

// CardSays waits until the card holds all the words and returns its text.
func (p *People) CardSays(card slacksim.Message, words ...string) string {
	p.T.Helper()
	text := ""
	p.appears(fmt.Sprintf("card with %q", words), func() bool {
		text = slacksim.PlainText(p.Now(card))
		return Holds(text, words...)
	})
	return text
}

// Announced counts the channel's own messages that hold all the words.
func (p *People) Announced(words ...string) int {
	n := 0
	for _, m := range p.Slack.Messages(p.Ops) {
		if Holds(slacksim.PlainText(m), words...) {
			n++
		}
	}
	return n
}

// Announcement waits for a message of the channel's own that holds all the words.
func (p *People) Announcement(words ...string) {
	p.T.Helper()
	p.appears(fmt.Sprintf("announcement with %q", words), func() bool { return p.Announced(words...) > 0 })
}

// ReplyMessage waits for a message in the card's thread that holds all the words
// and returns it.
func (p *People) ReplyMessage(card slacksim.Message, words ...string) (reply slacksim.Message) {
	p.T.Helper()
	p.appears(fmt.Sprintf("reply with %q", words), func() bool {
		for _, reply = range p.thread(card) {
			if Holds(slacksim.PlainText(reply), words...) {
				return true
			}
		}
		return false
	})
	return reply
}

// Reply is the text of [People.ReplyMessage].
func (p *People) Reply(card slacksim.Message, words ...string) string {
	p.T.Helper()
	return slacksim.PlainText(p.ReplyMessage(card, words...))
}

// Replies are the texts in the card's thread.
func (p *People) Replies(card slacksim.Message) []string {
	var all []string
	for _, m := range p.thread(card) {
		all = append(all, slacksim.PlainText(m))
	}
	return all
}

// Count counts the replies in the card's thread that hold all the words.
func (p *People) Count(card slacksim.Message, words ...string) int {
	n := 0
	for _, text := range p.Replies(card) {
		if Holds(text, words...) {
			n++
		}
	}
	return n
}

// thread is what was said below the card.
func (p *People) thread(card slacksim.Message) []slacksim.Message {
	var all []slacksim.Message
	for _, m := range p.Slack.Thread(card.Channel, card.TS) {
		if m.TS != card.TS {
			all = append(all, m)
		}
	}
	return all
}
