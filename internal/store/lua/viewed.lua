-- viewed notes that a person opened their view, or that the view has an answer for
-- them, and makes the item due that updates it.
--
-- KEYS  1 due  2 claims  3 woken     (see commit.lua)
--       4 opened  zset  user -> µs of the last opening
--       5 said    hash  user -> the view's answer to a click
--       6 homes   hash  where older replicas keep who has it open
-- ARGV  1 user  2 the item  3 the answer; empty: the view was opened
--       4 '1': an older replica noted it, with its time in homes
even_if_full(KEYS[2])
local at = redis_us()
if ARGV[4] == '1' then
  at = 1000 * tonumber(redis.call('HGET', KEYS[6], ARGV[1]) or '0')
elseif ARGV[3] == '' then
  redis.call('HDEL', KEYS[5], ARGV[1])
else
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[3])
end
redis.call('HDEL', KEYS[6], ARGV[1])
if at > 0 then redis.call('ZADD', KEYS[4], 'GT', at, ARGV[1]) end
wake(KEYS[1], KEYS[2], KEYS[3], ARGV[2], redis_ms())
return 1
