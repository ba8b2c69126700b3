package main

import "ecsbot/internal/simworld"

func succeeds(s *script) {
	s.title("1. Two servers for the night")
	s.Cloud.Add(server(1, "web-1"), server(2, "web-2"), server(3, "web-3", "keep"))
	card := s.asks(mia, `web-* --reason "night"`)
	s.clicks(guest, card, "ecs_stop_approve", "Approve, although he is a guest")
	s.Private(guest, "Guests")
	s.clicks(noah, card, "ecs_stop_approve", "Approve and confirms")
	s.Reply(card, "2 servers stopped")
	s.Stopped(server(1, "").ID, server(2, "").ID)
	s.Untouched(server(3, "").ID)
}

func failsInPart(s *script) {
	s.title("2. One server does not want to")
	s.Cloud.Add(server(11, "batch-1"), server(12, "batch-2"), server(13, "batch-3"))
	stubborn := server(12, "").ID
	s.must(s.Cloud.FailServer(stubborn, "Ecs.0611", "the instance did not shut down in time"))
	card := s.asks(mia, "batch-1, batch-2, batch-3 —soft --reason “month's end is over”")
	s.clicks(olga, card, "ecs_stop_approve", "Approve and confirms")
	failed := s.ReplyMessage(card, "2 of 3 servers stopped", "batch-2", "Ecs.0611")

	// What failed is sent once more. Olga could approve it alone, so her click does.
	s.must(s.Cloud.FailServer(stubborn, "", ""))
	s.stage("batch-2 would shut down now")
	again := s.NewCard(func() { s.clicks(olga, failed, "ecs_stop_retry", "Retry failed under the outcome and confirms") })
	s.Reply(again, "1 server stopped", "batch-2")
	s.Stopped(server(11, "").ID, server(13, "").ID)
	s.StopsOf(2, stubborn)
}

func denied(s *script) {
	s.title("3. Not this one")
	s.Cloud.Add(server(21, "db-1"))
	card := s.asks(mia, "db-1 --hard --reason \"does not answer\"")
	s.clicks(noah, card, "ecs_stop_deny", "Deny")
	s.form(noah, "Deny")
	s.types(noah, "writes into the form: replication is still running")
	s.Submit(noah, simworld.Fields("reason", "replication is still running"))
	s.Reply(card, "denied", "replication is still running")
}

// rules has a request that two groups decide about, one that a rule denies, and one
// that needs nobody. What they say comes from projects.yaml.
func rules(s *script) {
	s.title("6. Rules decide who decides")
	sandbox := server(61, "dev-1")
	s.Cloud.Add(server(51, "db-2"), server(52, "pay-1"))
	s.w.projects[1].Cloud.Add(sandbox)
	card := s.asks(mia, `db-2 --reason "old version"`)
	s.clicks(noah, card, "ecs_stop_approve", "Approve for @sre and confirms")
	s.Reply(card, "<@"+noah+"> approved")
	s.Untouched(server(51, "").ID)
	s.clicks(olga, card, "ecs_stop_approve", "Approve for @dba and confirms")
	s.Reply(card, "1 server stopped")
	s.Stopped(server(51, "").ID)

	s.orders(mia, "pay-1")
	s.Private(mia, "Payroll runs until")
	s.Untouched(server(52, "").ID)

	s.orders(mia, "dev-1 --project dev")
	s.Within(s.Patience, "server of a rule that asks nobody", func() bool {
		now, _ := s.w.projects[1].Cloud.Server(sandbox.ID)
		return now.Status == "SHUTOFF"
	})
	s.Untouched(sandbox.ID) // in the other cloud
}
