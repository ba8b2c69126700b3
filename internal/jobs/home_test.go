package jobs

import (
	"context"
	"testing"
	"time"

	"ecsbot/internal/approvals"
)

// drawer is a face that only draws Homes.
type drawer struct {
	Face
	drawn []string
	fate  approvals.Delivery
	while func()
}

func (d *drawer) Home(_ context.Context, user string) approvals.Delivery {
	d.drawn = append(d.drawn, user)
	if d.while != nil {
		d.while()
	}
	return d.fate
}

// due takes up whatever is due and does its step, once.
func (e *Engine) due(t *testing.T) {
	t.Helper()
	got, _, err := e.claim(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got {
		e.step(t.Context(), c)
	}
}

// moved commits a move of a request.
func (e *Engine) moved(t *testing.T, id string) {
	t.Helper()
	if _, err := e.commit(t.Context(), newChange().write(e.keys.request(id), 0, approvals.Request{ID: id, State: approvals.Pending})); err != nil {
		t.Fatal(err)
	}
}

func TestAHomeIsDrawnWhenItIsOpenedAndWhenARequestMoves(t *testing.T) {
	face := &drawer{}
	e := onRedis(t, func(c *Config) { c.HomeGap = time.Millisecond })
	e.face = face
	check := func(when string, want int) {
		t.Helper()
		if len(face.drawn) != want {
			t.Errorf("%s: drawn %v, want %d times", when, face.drawn, want)
		}
	}
	e.moved(t, "S-22222")
	e.due(t)
	check("nobody looks", 0)
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	e.due(t)
	check("opened", 1)
	e.due(t)
	check("nothing has changed", 1)
	time.Sleep(2 * time.Millisecond)
	e.moved(t, "S-33333")
	e.due(t)
	check("moved", 2)

	time.Sleep(2 * time.Millisecond)
	face.while = func() { face.while = nil; e.moved(t, "S-44444") }
	e.moved(t, "S-55555")
	e.due(t)
	check("moved", 3)
	time.Sleep(2 * time.Millisecond)
	e.due(t)
	check("moved again while it was drawn", 4)
}

func TestAHomeIsNotDrawnTooOften(t *testing.T) {
	face := &drawer{}
	e := onRedis(t, func(c *Config) { c.HomeGap = time.Hour })
	e.face = face
	if err := e.HomeOpened(t.Context(), "UBEN"); err != nil {
		t.Fatal(err)
	}
	e.due(t)
	time.Sleep(5 * time.Millisecond)
	for _, id := range []string{"S-22222", "S-33333"} {
		e.moved(t, id)
		e.due(t)
	}
	if len(face.drawn) != 1 {
		t.Errorf("drawn %d times within the gap", len(face.drawn))
	}
	time.Sleep(5 * time.Millisecond)
	if err := e.TellHome(t.Context(), "UBEN", "done"); err != nil {
		t.Fatal(err)
	}
	e.due(t)
	if text, err := e.HomeTold(t.Context(), "UBEN"); len(face.drawn) != 2 || text != "done" || err != nil {
		t.Errorf("an answer waits: drawn %d times, %q, %v", len(face.drawn), text, err)
	}
}

func TestAHomeIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		age  time.Duration
		fate approvals.Delivery
		want int
		kept bool
	}{
		{"after a day", 25 * time.Hour, approvals.Delivery{}, 0, false},
		{"within a day", 23 * time.Hour, approvals.Delivery{}, 1, true},
		{"when Slack says it can never be drawn", time.Hour, approvals.Delivery{Fate: approvals.Unsayable}, 1, false},
		{"not when Slack is away", time.Hour, approvals.Delivery{Fate: approvals.NotSaid}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			face := &drawer{fate: c.fate}
			e := onRedis(t, nil)
			e.face = face
			e.rdb.HSet(t.Context(), e.keys.homes(), "UBEN", time.Now().Add(-c.age).UnixMilli())
			e.moved(t, "S-22222")
			e.due(t)
			kept := e.rdb.HExists(t.Context(), e.keys.homes(), "UBEN").Val()
			if len(face.drawn) != c.want || kept != c.kept {
				t.Errorf("drawn %d times, kept %v", len(face.drawn), kept)
			}
		})
	}
}
