-- release releases an item without a change. It has no effect on an item that is
-- claimed by somebody else, so it can be repeated.
--
-- KEYS  1 due  2 claims  3 owners  4 tries  5 woken     (see commit.lua)
-- ARGV  1 item  2 fence  3 ms until it is due, -1 for never  4 '1': it counts as a crash
-- Returns 1, or 0 if the claim was lost.
even_if_full(KEYS[2])
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
release(KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1], redis_ms(), tonumber(ARGV[3]), ARGV[4] == '1')
return 1
