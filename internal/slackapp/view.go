package slackapp

import "ecsbot/internal/approvals"

// view draws what people see: cards, threads, Homes, the form, private answers.
// It needs these settings and no connection: with the same request, and in the same
// form, it draws the same on every replica, at any time.
type view struct {
	Policy approvals.Policy
	Batch  int  // servers in one call
	Rate   int  // servers a minute
	Newer  bool // with the blocks of 2026; see fallback.go

	links map[string]string // request id → its card, of requests that what is drawn leads to
}

// ref names a request, with a link to its card if there is one.
func (v view) ref(id string) string {
	if link := v.links[id]; link != "" {
		return "<" + link + "|" + id + ">"
	}
	return code(id)
}
