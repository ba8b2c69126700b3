-- release gives an item back unchanged. A claim that is not held any more is
-- left alone, so doing it twice does nothing.
--
-- KEYS  1 due  2 claims  3 owners  4 tries  5 woken     (see commit.lua)
-- ARGV  1 item  2 fence  3 ms until it is due, -1 for never  4 '1' keeps the tries
-- Returns 1, or 0 if the claim was lost.
even_if_full(KEYS[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if ARGV[4] ~= '1' then redis.call('HDEL', KEYS[4], ARGV[1]) end
local ms = tonumber(ARGV[3])
if redis.call('HDEL', KEYS[5], ARGV[1]) == 1 then ms = 0 end
if ms >= 0 then redis.call('ZADD', KEYS[1], now + ms, ARGV[1]) else redis.call('ZREM', KEYS[1], ARGV[1]) end
return 1
