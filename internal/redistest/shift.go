package redistest

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Shift makes ms milliseconds pass for the permits of a quota: it moves all times
// in their log and book into the past, so that no test has to wait. A negative ms
// is what they see of a clock that was set back.
func Shift(ctx context.Context, c *redis.Client, log, book string, ms int64) error {
	if err := shiftScript.Run(ctx, c, []string{log, book}, ms).Err(); !errors.Is(err, redis.Nil) {
		return err
	}
	return nil
}

var shiftScript = redis.NewScript(`
local z = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #z, 2 do redis.call('ZADD', KEYS[1], z[i + 1] - ARGV[1], z[i]) end
local h = redis.call('HGETALL', KEYS[2])
for i = 1, #h, 2 do
  local f = h[i]
  if f == '#clock' or f == '#frozen' or f == '#since' or string.sub(f, 1, 2) == 'a:' or string.sub(f, 1, 2) == 'f:' then
    redis.call('HINCRBY', KEYS[2], f, -ARGV[1])
  end
end`)
