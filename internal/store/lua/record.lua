-- record stores an envelope and makes it due, once.
--
-- KEYS  1 seen  string, kept for a day: this envelope was recorded
--       2 the envelope's record     3 due     4 first     (see claim.lua)
--       5 claims
-- ARGV  1 item  2 the envelope as JSON  3 seconds to remember it
--       4 '1' if it stops something: it comes before everything else, and is
--         recorded even if Redis is full
-- Returns 1 if it is new, 0 if it was recorded before.
if ARGV[4] == '1' then even_if_full(KEYS[5]) end
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3]) then return 0 end
local now = redis_ms()
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('ZADD', KEYS[3], now, ARGV[1])
if ARGV[4] == '1' then redis.call('ZADD', KEYS[4], now, ARGV[1]) end
return 1
