-- free passes over items that have not come for their turn, so that a queue in which
-- nobody asks goes on: the first one was taken up by a replica of an older version, say.
--
-- KEYS  1 due  2 claims  3 woken  4 pace  5 heads     (see turn.lua)
-- ARGV  1 what the names of queues begin with
-- Returns 1.
even_if_full(KEYS[2])
local now = redis_us()
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now - PATIENCE, 'LIMIT', 0, 100)) do
  -- The gap of the limit is not known here: the next item asks when its turn is.
  pass_over(turns_of(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1] .. name, name, 1, 1, 0, 0, now))
end
return 1
