package slackapp

import "ecsbot/internal/approvals"

// view draws what people see: cards, threads, Homes, the form, private answers.
// It needs the projects and no connection: with the same request, and in the same
// form, it draws the same on every replica, at any time.
type view struct {
	Projects approvals.Projects
	Newer    bool // with the blocks of 2026; see fallback.go

	links map[string]string // request id → its card, of requests that what is drawn leads to
}

// view is the view with the projects of now, in the classic form.
func (cl *client) view() view { return view{Projects: cl.desk.Projects()} }

// ref names a request, with a link to its card if there is one.
func (v view) ref(id string) string {
	if link := v.links[id]; link != "" {
		return "<" + link + "|" + id + ">"
	}
	return code(id)
}
