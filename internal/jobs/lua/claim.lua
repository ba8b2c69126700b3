-- claim hands out items that are due. A claim is a visibility timeout: the
-- item stays in the list of due things and is due again when the lease ends,
-- so a crash needs no repair.
--
-- KEYS  1 due  2 claims  3 owners  4 tries  5 meta     (see commit.lua)
-- ARGV  1 worker  2 lease ms  3 how many at most
-- Returns {ms until the next item is due or -1, item, fence, tries, item, …}.
even_if_full(KEYS[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {0}
for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local fence = tostring(redis.call('HINCRBY', KEYS[5], 'fence', 1))
  redis.call('HSET', KEYS[2], item, fence)
  redis.call('HSET', KEYS[3], item, ARGV[1])
  redis.call('ZADD', KEYS[1], now + ARGV[2], item)
  out[#out + 1] = item
  out[#out + 1] = fence
  out[#out + 1] = redis.call('HINCRBY', KEYS[4], item, 1)
end
local n = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
out[1] = n[2] and math.max(0, n[2] - now) or -1
return out
