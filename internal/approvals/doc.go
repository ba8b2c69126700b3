// Package approvals is the story of a request: who asks for which servers to
// be stopped, who decides, and what became of it. It is pure. It knows no
// Slack, no Redis and no cloud; time comes in as an argument, and what a
// method returns is for the caller to store.
//
// A request is a state machine:
//
//	    deny      ┌► denied
//	   ┌──────────┤
//	   │ cancel   ├► cancelled ◄──────────────┐ cancelled before
//	   ├──────────┤                           │ anything was sent
//	   │ TTL over └► expired                  │
//	pending                                   │
//	   │ N approvals                          │
//	   └─────────► approved ──► executing ────┤
//	                        batches made      │ last batch ended
//	                                          ├► succeeded
//	                                          ├► partially_failed
//	                                          ├► failed
//	                                          └► unknown ──► one of the three,
//	                                                         by a person's word
//
// An approved request can be cancelled, too, while its batches are not made.
//
// The work is cut into batches, each of them one call to the cloud:
//
//	         permit + intent        job id
//	queued ─────────────────► submitting ───────────► running ─┬► succeeded
//	 │ ▲ ▲                        │  │                  │      ├► partially_failed
//	 │ │ └── surely not accepted ─┘  │ answer unclear   │      ├► failed
//	 │ │                             ▼                  │      └► unknown
//	 │ │                         ambiguous              │ job vanished
//	 │ │                             │ quarantine over, │ or much too old
//	 │ │                             │ or positive      │
//	 │ │  active, idle, untouched    ▼ evidence         │
//	 │ └───────────────────────── reconciling ◄─────────┘
//	 │                               └──► any of the ends above
//	 └──► cancelled
//
// A batch reaches one of the ends straight from queued if none of its servers
// is left to be stopped when its turn comes, and from submitting if the cloud
// surely refuses the call.
//
// A decision is made on a value ([Request.Approve], [Request.Deny], …) and
// stored by whoever called, in one step with everything that follows from it.
package approvals
