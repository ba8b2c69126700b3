-- waiting makes items due that have work to do and are not due.
--
-- KEYS  1 due     (see commit.lua)
--       2 opened   zset    user -> µs of the last opening
--       3 private  zset    user -> ms at which their item is due
--       4 swept    string  the state of the last complete sweep
--       5 moved    string  µs of the last change that they show
--       6 rested   string  up to which change and opening all is updated
--       7 claims   (see commit.lua)
-- ARGV  1 item that updates views  2 item that sweeps  3 prefix of the item of a
--       person  4 the state that everything has to show
-- Returns 1.
even_if_full(KEYS[7])
local now = redis_ms()
local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local news = (redis.call('GET', KEYS[5]) or '') .. '/' .. (newest[2] or '')
if newest[1] and redis.call('GET', KEYS[6]) ~= news then redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1]) end
if redis.call('GET', KEYS[4]) ~= ARGV[4] then redis.call('ZADD', KEYS[1], 'NX', now, ARGV[2]) end
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 100)
for i = 1, #due, 2 do redis.call('ZADD', KEYS[1], 'NX', due[i + 1], ARGV[3] .. due[i]) end
return 1
