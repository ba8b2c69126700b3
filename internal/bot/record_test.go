package bot_test

import (
	"encoding/json"
	"time"
)

// stored reads a record out of the store.
func stored[T any](w *world, key string) (is T) {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	body := c.HGet(w.t.Context(), w.prefix()+key, "body").Val()
	if body != "" {
		if err := json.Unmarshal([]byte(body), &is); err != nil {
			w.t.Fatal(err)
		}
	}
	return is
}

// keys lists the store's keys that fit the pattern.
func (w *world) keys(pattern string) []string {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	keys, err := c.Keys(w.t.Context(), pattern).Result()
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

// quiet waits until nothing is owed to the thread of a request any more.
func (w *world) quiet(id string) {
	w.t.Helper()
	w.Within(15*time.Second, "thread to which nothing is owed", func() bool { return len(w.keys("{p:*}:o:"+id)) == 0 })
}

// prefix is what the names of the store's keys begin with.
func (w *world) prefix() string { return "{p:" + w.env["HUAWEICLOUD_SDK_PROJECT_ID"] + "}:" }

// step has the bots take up an item n times, out of turn. What they have not done by
// then they do not do.
func (w *world) step(item string, n int) {
	w.t.Helper()
	w.redis.Step(w.prefix(), item, n)
}

// settled waits until nothing is left to be done by anybody.
func (w *world) settled() {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	w.Within(40*time.Second, "end of all work", func() bool {
		return c.ZCard(w.t.Context(), w.prefix()+"due").Val() == 0
	})
}

// forgetful makes everything that is known of people older.
func (w *world) forgetful(by time.Duration) {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	for _, key := range w.keys("{p:*}:known:*") {
		var known map[string]any
		if err := json.Unmarshal([]byte(c.Get(w.t.Context(), key).Val()), &known); err != nil {
			w.t.Fatal(err)
		}
		known["at"] = time.Now().Add(-by)
		body, _ := json.Marshal(known)
		c.Set(w.t.Context(), key, body, 0)
	}
}
