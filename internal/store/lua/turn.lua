-- turn asks for the turn of one item, or takes the item out of the queue.
--
-- KEYS  1 due  2 claims  3 woken     (see commit.lua)
--       4 pace   hash  limit -> µs at which all its turns are free; limit/last -> who
--                      took its last turn
--       5 heads  zset  limit whose queue is not empty -> µs of its first item's turn
--       6 queue  zset  item that waits -> its score, the lowest first
-- ARGV  1 limit  2 item  3 fence of its claim  4 its score, or '' to leave the queue
--       5 gap in µs  6 burst  7 turns that scores from SPARE on leave to others
--       8 ms for which no turn is given
-- Returns {ms, place, others}: 0 ms if it has its turn, else how long it has to wait at
-- its place in the queue; others is how many wait besides it. The same claim asking
-- again, as it does when an answer was lost, gets the turn that it has.
even_if_full(KEYS[2])
local item, own = ARGV[2], ARGV[2] .. '/' .. ARGV[3]
local t = turns_of(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], ARGV[1],
  tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), redis_us())
if ARGV[4] == '' then
  if redis.call('ZREM', t.queue, item) == 1 then wake_first(t, item) end
  return {0, 0, redis.call('ZCARD', t.queue)}
end
if redis.call('HGET', t.pace, t.name .. '/last') == own then return {0, 0, redis.call('ZCARD', t.queue)} end
pass_over(t, item)
redis.call('ZADD', t.queue, 'LT', ARGV[4], item)
local place = redis.call('ZRANK', t.queue, item)
local at = turn_at(t, place, tonumber(redis.call('ZSCORE', t.queue, item)))
if at <= t.now then
  t.full = t.full + t.gap
  redis.call('ZREM', t.queue, item)
  redis.call('HSET', t.pace, t.name, string.format('%.0f', t.full), t.name .. '/last', own)
  wake_first(t, item)
  return {0, 0, redis.call('ZCARD', t.queue)}
end
if place == 0 then wake_first(t, item) end
return {math.max(1, math.ceil((at - t.now) / 1000)), place, redis.call('ZCARD', t.queue) - 1}
