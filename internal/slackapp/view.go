package slackapp

import "ecsbot/internal/approvals"

// view draws what people see: cards, threads, Homes, the form, private answers.
// It needs the projects and no connection: with the same request, and in the same
// form, it draws the same on every replica, at any time.
type view struct {
	Projects approvals.Projects
	Newer    bool // with the blocks of 2026; see fallback.go
}

// view is the view with the projects of now, in the classic form.
func (cl *client) view() view { return view{Projects: cl.desk.Projects()} }
