package slackapp

import "ecsbot/internal/approvals"

// Words of the step in Workflow Builder. The step's own titles are in workflow.yaml.

const (
	sayStepOff          = "This step is switched off. No request was created. The people who run the bot can set SLACK_WORKFLOW_STEP=true."
	sayStepNeedsChannel = "This step needs a channel for its cards. No request was created. The people who run the bot can set APPROVAL_CHANNEL."
	sayStepNeedsPerson  = "The step does not say who asks. No request was created. In the workflow, set “Asked by” to the person who used the workflow."
	sayStepNeedsServers = "Name at least one server or a tag. No request was created."
)

// sayByStep says on a card that waits for a decision why it needs more approvals.
func (v view) sayByStep(r approvals.Request) string {
	switch {
	case r.Step == "":
		return ""
	case v.project(r).Policy.AllowSelfApproval:
		return "\nAsked through a workflow."
	}
	return "\nAsked through a workflow. Slack does not say who started it, so it needs one approval more than usual."
}
