-- home notes that a person sees the Home, or that it has to tell them
-- something, and makes drawing it due at once.
--
-- KEYS  1 due  2 claims  3 woken     (see commit.lua)
--       4 homes  hash  user -> ms of the last opening
--       5 said   hash  user -> what the Home tells in answer to a click
-- ARGV  1 user  2 item  3 what is told; empty: the Home was opened anew
even_if_full(KEYS[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[4], ARGV[1], now)
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[5], ARGV[1])
else
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[3])
end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then
  redis.call('HSET', KEYS[3], ARGV[2], 1)
else
  redis.call('ZADD', KEYS[1], now, ARGV[2])
end
return now
