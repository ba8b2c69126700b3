package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ecsbot/internal/approvals"
	"ecsbot/internal/audit"
	"ecsbot/internal/store"
)

var (
	approver = approvals.Person{ID: "UBEN"}
	stranger = approvals.Person{ID: "UDORA"}
)

// grants asks for a permit the way an intent does.
func grants(ctx context.Context, e *Engine, id string, a approvals.Action, cost int) error {
	b := approvals.Batch{Request: id, Action: a, Attempt: 1, Remaining: cost}
	for range cost {
		b.Results = append(b.Results, approvals.Result{})
	}
	_, err := e.commit(ctx, store.NewChange().Write(e.keys.batch(id, 0), 0, b).Quota(quotaName("", a)).Permit(e.only().permits.permit(b, cost)))
	return err
}

func refused(err error) string {
	if no := new(store.NoRoom); errors.As(err, &no) {
		switch {
		case no.Full():
			return "full"
		case no.Blocked():
			return "blocked"
		}
		return "others come first"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestIntentDoesNotPassAFreezeThatCameFirst(t *testing.T) {
	w, e := alone(t)
	before, err := e.loadFreeze(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Freeze(t.Context(), approver, "release", "C1", "op1", time.Now()); err != nil {
		t.Fatal(err)
	}
	intent := func(halt store.Stored[approvals.Freeze]) error {
		ch := store.NewChange().Write(e.keys.batch("S-1", 0), 0, approvals.Batch{}).Expect(e.keys.freeze(), halt.Ver)
		_, err := e.commit(t.Context(), ch)
		return err
	}
	if err := intent(before); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an intent of before the freeze: %v", err)
	}
	if n := w.rdb.Exists(t.Context(), e.keys.batch("S-1", 0)).Val(); n != 0 {
		t.Error("it was written")
	}
	now, err := e.loadFreeze(t.Context())
	if err != nil || !now.Body.On {
		t.Fatalf("%+v, %v", now, err)
	}
	if err := intent(now); err != nil {
		t.Errorf("an intent that has seen what there is: %v", err)
	}
}

func TestFreezeIsStoredAndAnnouncedOnceForEachAct(t *testing.T) {
	w, e := alone(t)
	ctx, t0 := t.Context(), time.Now()
	for range 2 { // the same command, handled again after a crash
		if f, err := e.Freeze(ctx, approver, "release", "C1", "op1", t0); err != nil || !f.On {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	for op, act := range map[string]func() (approvals.Freeze, error){
		"op2": func() (approvals.Freeze, error) { return e.Freeze(ctx, approver, "", "C2", "op2", t0) },
		"op3": func() (approvals.Freeze, error) { return e.Unfreeze(ctx, stranger, "op3", t0) },
	} {
		if _, err := act(); !errors.As(err, new(*approvals.Refusal)) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if _, err := e.Unfreeze(ctx, approver, "op4", t0.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	// A late repeat of the first command freezes nothing.
	if f, err := e.Freeze(ctx, approver, "release", "C1", "op1", t0); err != nil || f.On {
		t.Errorf("%+v, %v", f, err)
	}
	if n := w.rdb.LLen(ctx, e.keys.outbox("@C1")).Val(); n != 2 {
		t.Errorf("%d announcements are owed to the channel, want two", n)
	}
	if due := w.rdb.ZRange(ctx, w.key("due"), 0, -1).Val(); !slices.Equal(due, []string{cardsItem, "t:@C1"}) {
		t.Errorf("due is %v", due)
	}
	log := w.rdb.XRange(ctx, w.key("audit"), "-", "+").Val()
	if len(log) != 2 || !strings.Contains(log[0].Values["d"].(string), marshal(audit.Entry{Event: "freeze", By: "UBEN", Reason: "release", Worker: e.store.Worker()})) {
		t.Errorf("the audit log is %v", log)
	}
}

func TestStopsAndStartsHaveQuotasOfTheirOwn(t *testing.T) {
	w, e := alone(t, func(c *Config) { c.Projects[0].Rate = 10 })
	ctx := t.Context()
	check := func(what string, err error, want string) {
		t.Helper()
		if got := refused(err); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("ten stops", grants(ctx, e, "S-1", approvals.Stop, 10), "")
	check("one more", grants(ctx, e, "S-2", approvals.Stop, 1), "full")
	check("ten starts", grants(ctx, e, "S-3", approvals.Start, 10), "")
	check("one more", grants(ctx, e, "S-4", approvals.Start, 1), "full")
	if err := e.store.Block(ctx, time.Minute, quotaName("", approvals.Start)); err != nil {
		t.Fatal(err)
	}
	check("a start after a 429 to a start", grants(ctx, e, "S-5", approvals.Start, 1), "blocked")
	check("a stop then", grants(ctx, e, "S-2", approvals.Stop, 1), "full")
	w.rollBack()
	w.beat(e)
	check("a stop in a store that is not trusted", grants(ctx, e, "S-6", approvals.Stop, 1), "blocked")
}

// A store of before there were starts is taken as it is; a restart of Redis
// holds back both kinds of calls.
func TestARestartOfTheStoreHoldsBackBoth(t *testing.T) {
	w, e := alone(t)
	ctx := t.Context()
	w.rdb.Del(ctx, w.key("book:start"))
	if err := e.heartbeat(ctx); err != nil {
		t.Fatal(err)
	}
	if got := refused(grants(ctx, e, "S-1", approvals.Start, 1)); got != "" {
		t.Errorf("a start in a store that knows of none yet: %q", got)
	}
	w.rdb.HSet(ctx, w.key("book"), "#run", "another process")
	w.rdb.Del(ctx, w.key("book:start"))
	if err := e.heartbeat(ctx); err != nil {
		t.Fatal(err)
	}
	for id, a := range map[string]approvals.Action{"S-2": approvals.Stop, "S-3": approvals.Start} {
		if got := refused(grants(ctx, e, id, a, 1)); got != "blocked" {
			t.Errorf("%q after a restart: %q", a, got)
		}
	}
	if e.store.LastLoss().UnixMilli() == 0 {
		t.Error("the time of the restart is not known")
	}
}

// Notes of failed batches that are owed together are told together, and nothing
// else is mixed with them.
func TestFailedBatchesAreToldTogether(t *testing.T) {
	_, e := alone(t)
	ch := store.NewChange()
	for n := range 3 {
		b := approvals.Batch{Request: "S-1", Index: n, Results: []approvals.Result{
			{Outcome: approvals.Stopped}, {Outcome: approvals.ActionFailed, Code: "Ecs.0100", Detail: "no"}, {Outcome: approvals.ActionFailed, Code: "Ecs.0605"},
		}}
		note, failed := e.only().failureNote(b)
		if !failed || note.Count != 2 || note.Code != "Ecs.0100" || note.Why != "no" || note.Batch != n {
			t.Errorf("%+v, %t", note, failed)
		}
		ch.Also(tell(e.keys, "S-1", note))
	}
	ch.Also(tell(e.keys, "S-1", e.note(approvals.Note{ID: "S-1/end", Topic: approvals.TopicOutcome})))
	if _, err := e.commit(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	owed, err := e.courier.outbox(t.Context(), "S-1")
	if err != nil || len(owed) != 4 {
		t.Fatalf("%+v, %v", owed, err)
	}
	if told := together(owed, false); len(told) != 3 {
		t.Errorf("%+v", told)
	}
	if _, failed := e.only().failureNote(approvals.Batch{Results: []approvals.Result{{Outcome: approvals.Stopped}}}); failed {
		t.Error("a batch that did not fail")
	}
}

// The acts of people are carried out in another order than they were typed in.
func TestAnOlderActAboutTheFreezeHasNoEffect(t *testing.T) {
	w, e := alone(t)
	ctx, t0 := t.Context(), time.Now()
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	want := func(what string, err error, why approvals.RefusalKind, on bool) {
		t.Helper()
		if got := refusalOf(err); got != why {
			t.Errorf("%s: %q, want %q (%v)", what, got, why, err)
		}
		if f, err := e.FreezeState(ctx); err != nil || f.On != on {
			t.Errorf("after %s it is frozen: %t, %v", what, f.On, err)
		}
	}
	_, err := e.Freeze(ctx, approver, "first", "C1", "op1", at(1))
	want("a freeze", err, "", true)
	_, err = e.Freeze(ctx, approver, "second", "C1", "op3", at(3))
	want("another freeze", err, approvals.IsFrozen, true)
	_, err = e.Unfreeze(ctx, approver, "op2", at(2))
	want("an unfreeze from between them", err, approvals.Overtaken, true)
	_, err = e.Unfreeze(ctx, approver, "op5", at(5))
	want("a newer unfreeze", err, "", false)
	_, err = e.Freeze(ctx, approver, "", "C1", "op4", at(4))
	want("a freeze from before it", err, approvals.Overtaken, false)
	_, err = e.Freeze(ctx, approver, "", "C1", "op6", at(5))
	want("a freeze at the same time", err, "", true)
	if n := w.rdb.LLen(ctx, e.keys.outbox("@C1")).Val(); n != 3 {
		t.Errorf("%d announcements are owed, want 3", n)
	}
}
