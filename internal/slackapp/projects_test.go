package slackapp

import "ecsbot/internal/approvals"

// viewOf is the view of a bot with one project.
func viewOf(pol approvals.Policy) view {
	return view{Projects: approvals.Projects{{Name: "demo-1", Policy: pol, Rate: 1000, BatchSize: 100}}}
}

// inForm is v with or without the newer blocks.
func inForm(v view, newer bool) view {
	v.Newer = newer
	return v
}
