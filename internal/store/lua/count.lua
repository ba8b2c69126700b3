-- count counts what happened within a while, over all replicas.
--
-- KEYS  1  zset  name -> ms at which it was counted
-- ARGV  1 name   2 ms for which it counts   3 how many may count
-- Returns 0 if it counts now or has counted before, or the ms until one more may.
local now = redis_ms()
local life = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - life)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  local first = redis.call('ZRANGE', KEYS[1], -tonumber(ARGV[3]), -tonumber(ARGV[3]), 'WITHSCORES')
  return math.max(1, first[2] + life - now)
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], life)
return 0
