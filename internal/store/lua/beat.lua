-- beat is a worker's heartbeat. It makes the items of dead workers due now, and
-- detects a restart of Redis.
--
-- KEYS  1 beats  zset  worker -> ms of its last heartbeat
--       2 due  3 owners  4 meta     (see commit.lua)
--       5 digests  hash  worker -> digest of its settings
--       6… books of all quotas, and as many logs in the same order     (see permits.lua)
-- ARGV  1 worker  2 ms without heartbeat after which a worker is dead  3 run id of the
--       Redis process spoken to  4 window ms  5 replicas connected now  6 digest of the
--       worker's settings, '' if they have none
-- Returns {server ms, seq, instance or '', items of dead workers made due,
--          ms for which permits are blocked, #since: when a restart or loss was last detected,
--          the most replicas ever seen, #back: when a clock was found ahead,
--          live workers whose digest differs}.
even_if_full(KEYS[4])
local now = redis_ms()
local dead = tonumber(ARGV[2])
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
local taken = 0
-- A worker that missed heartbeats itself (Redis hung, say) must not judge the others.
if mine and now - tonumber(mine) < dead then
  local gone = {}
  for _, w in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - dead)) do
    if w ~= ARGV[1] then
      gone[w] = true
      redis.call('ZREM', KEYS[1], w)
      redis.call('HDEL', KEYS[5], w)
    end
  end
  if next(gone) then
    local all = redis.call('HGETALL', KEYS[3])
    for i = 1, #all, 2 do
      if gone[all[i + 1]] then redis.call('ZADD', KEYS[2], now, all[i]); taken = taken + 1 end
    end
  end
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
local blocked = 0
local first = 6
local last = first - 1 + (#KEYS - first + 1) / 2 -- the last book
local instance = redis.call('HGET', KEYS[4], 'instance') or ''
if instance ~= '' then
  for i = first, last do
    if i > first then adopt(KEYS[first], KEYS[i]) end
    blocked = math.max(blocked, noticed(KEYS[i + last - first + 1], KEYS[i], ARGV[3], tonumber(ARGV[4]), now))
  end
end
-- A worker that was signed off has a score of 0.
local others = {}
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[6])
  local live = redis.call('ZRANGEBYSCORE', KEYS[1], now - dead, '+inf')
  for i, digest in ipairs(redis.call('HMGET', KEYS[5], unpack(live))) do
    if digest and digest ~= ARGV[6] then others[#others + 1] = live[i] end
  end
end
local replicas = tonumber(redis.call('HGET', KEYS[4], 'replicas') or '0')
if instance ~= '' and tonumber(ARGV[5]) > replicas then
  replicas = tonumber(ARGV[5])
  redis.call('HSET', KEYS[4], 'replicas', replicas)
end
local function latest(field)
  local most = 0
  for i = first, last do most = math.max(most, tonumber(redis.call('HGET', KEYS[i], field) or '0')) end
  return most
end
return {now, tonumber(redis.call('HGET', KEYS[4], 'seq') or '0'), instance, taken,
  blocked, latest('#since'), replicas, latest('#back'), others}
