-- record keeps what Slack sent before it is acknowledged, once.
--
-- KEYS  1 seen  string, kept for a day: this act was recorded
--       2 the envelope's record     3 due  4 claims
-- ARGV  1 item  2 the envelope as JSON  3 seconds to remember it
--       4 '1' keeps it even if Redis is full: an act that holds something back
-- Returns 1 if it is new, 0 if it was recorded before.
if ARGV[4] == '1' then even_if_full(KEYS[4]) end
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[3]) then return 0 end
local t = redis.call('TIME')
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('ZADD', KEYS[3], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
return 1
