package redistest

import (
	"time"

	"github.com/redis/go-redis/v9"
)

// Step makes an item due n times, so that a worker claims it, and waits for the end of
// each step. What was not done by then will not be done: no test has to guess how
// long to wait. The prefix is that of the project's keys.
func (s *Server) Step(prefix, item string, n int) {
	s.t.Helper()
	c := s.Client()
	defer c.Close()
	due, claims := prefix+"due", prefix+"claims"
	for range n {
		s.Within(10*time.Second, "nobody holds "+item, func() bool {
			return wakeScript.Run(s.t.Context(), c, []string{due, claims}, item).Val() == int64(1)
		})
		s.Within(10*time.Second, "the end of a step of "+item, func() bool {
			return overScript.Run(s.t.Context(), c, []string{due, claims}, item).Val() == int64(1)
		})
	}
}

var wakeScript = redis.NewScript(`
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
return 1`)

// A claim moves an item's time, and the end of the step ends the claim.
var overScript = redis.NewScript(`
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 or redis.call('ZSCORE', KEYS[1], ARGV[1]) == '0' then return 0 end
return 1`)
