// Package approvals decides about requests: who may ask for servers to be stopped,
// who may decide, which servers may be sent, and what became of them. It is pure: no
// I/O, time is an argument, and the caller stores what a method returns. It knows
// neither Redis nor the cloud's API, and of Slack only ids, which it does not
// interpret.
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
//	                                                         by a person's statement
//
// An approved request can also be cancelled, until its batches are made. A request
// that needs no approval, because rules say so, is approved from the beginning.
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
// A batch goes from queued straight to one of the ends if none of its servers is left
// to be stopped when it is about to be sent, and from submitting if the cloud refuses
// the call.
//
// A decision is made on a value ([Request.Approve], [Request.Deny], …), and the caller
// stores it in one transaction with everything that follows from it.
package approvals
