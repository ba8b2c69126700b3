-- block lets no permit be granted for a while. It never shortens an earlier block.
--
-- KEYS  1 book     (see permits.lua)
-- ARGV  1 ms  2 '1' if Redis may have lost changes
-- Returns the ms for which permits stay blocked.
even_if_full(KEYS[1])
local now = redis_ms()
local s = redis.call('HMGET', KEYS[1], '#frozen', '#clock')
now = math.max(now, tonumber(s[2] or '0'))
local till = math.max(now + tonumber(ARGV[1]), tonumber(s[1] or '0'))
redis.call('HSET', KEYS[1], '#frozen', till, '#clock', now)
if ARGV[2] == '1' then redis.call('HSET', KEYS[1], '#since', now) end
return till - now
