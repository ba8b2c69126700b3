-- open initialises an empty store, or reads the state of an existing one.
--
-- KEYS  1 meta  2… books of all quotas     (see commit.lua, permits.lua)
-- ARGV  1 name of the instance if it is new  2 run id of the Redis process
--       3 'lost' if the caller knew this store and finds it empty; 'trusted' if
--         nothing can have been sent from an empty one; else ''. Unless it is
--         trusted, an empty store blocks permits, because its data may be lost
--       4 window ms  5 Slack team  6 its bot user, both '' if unknown
--       7 replicas connected now
-- Returns {instance, schema, seq, team, bot, the most replicas ever seen}. If
-- team and bot differ from those given, the store belongs to another bot.
even_if_full(KEYS[1])
if redis.call('HEXISTS', KEYS[1], 'instance') == 0 then
  local now = redis_ms()
  redis.call('HSET', KEYS[1], 'instance', ARGV[1], 'schema', '1', 'created', now)
  for i = 2, #KEYS do
    redis.call('HSET', KEYS[i], '#run', ARGV[2], '#clock', now)
    if ARGV[3] ~= 'trusted' then redis.call('HSET', KEYS[i], '#frozen', now + ARGV[4]) end
    if ARGV[3] == 'lost' then redis.call('HSET', KEYS[i], '#since', now) end
  end
end
if ARGV[5] ~= '' and redis.call('HEXISTS', KEYS[1], 'team') == 0 then
  redis.call('HSET', KEYS[1], 'team', ARGV[5], 'bot', ARGV[6])
end
local m = redis.call('HMGET', KEYS[1], 'instance', 'schema', 'seq', 'team', 'bot', 'replicas')
if tonumber(ARGV[7]) > tonumber(m[6] or '0') then
  m[6] = ARGV[7]
  redis.call('HSET', KEYS[1], 'replicas', m[6])
end
return {m[1], m[2], tonumber(m[3] or '0'), m[4] or '', m[5] or '', tonumber(m[6] or '0')}
