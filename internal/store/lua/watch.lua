-- watch makes the items that go through the outbox due where there is something
-- for them to do and they are not.
--
-- KEYS  1 due     (see commit.lua)
--       2 opened   zset    user -> µs of the last opening of the Home
--       3 private  zset    user -> ms at which something is tried privately
--       4 swept    string  for which state the cards were last gone through
--       5 moved    string  µs at which something moved last that Homes show
--       6 rested   string  up to which move and opening all Homes are drawn
--       7 claims   (see commit.lua)
-- ARGV  1 item of the Homes  2 item of the cards  3 what a private item's name
--       begins with  4 the state that the cards have to show
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
