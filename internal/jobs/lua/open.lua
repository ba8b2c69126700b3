-- open makes an empty store ours, or finds that it is already.
--
-- KEYS  1 meta  2 book of stops  3 book of starts     (see commit.lua, permits.lua)
-- ARGV  1 instance to call it by if it is new  2 run id of the Redis process
--       3 '1' if the caller knew this store and finds it empty: then it was
--         lost, and permits are frozen  4 window ms
-- Returns {instance, schema, seq}.
if redis.call('HEXISTS', KEYS[1], 'instance') == 0 then
  local now = redis_ms()
  redis.call('HSET', KEYS[1], 'instance', ARGV[1], 'schema', '1', 'created', now)
  for i = 2, 3 do
    redis.call('HSET', KEYS[i], '#run', ARGV[2], '#clock', now)
    if ARGV[3] == '1' then redis.call('HSET', KEYS[i], '#frozen', now + ARGV[4], '#since', now) end
  end
end
local m = redis.call('HMGET', KEYS[1], 'instance', 'schema', 'seq')
return {m[1], m[2], tonumber(m[3] or '0')}
