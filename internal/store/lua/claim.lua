-- claim leases items that are due. A claim is a visibility timeout: the item stays in
-- the due list and is due again when the lease ends, so a crash needs no repair.
--
-- There are three lanes. The brake lane, for what stops something, comes before
-- everything (its items are in first, too). The slow lane (asks, lists of servers,
-- Homes) has a queue for each person: a due item is parked there, the items of one
-- person are claimed one at a time, and persons take turns. The usual lane is
-- everything else, in the order of due times.
--
-- The due list remains the source of truth: first and the persons' queues only
-- decide the order. A parked item is due again after a while, so that an older
-- replica that knows no lanes finds it, and an entry of first or of a queue whose
-- item is not in the due list any more is dropped when it is found. No item is ever
-- in those places only.
--
-- KEYS  1 due  2 claims  3 owners  4 tries  5 meta     (see commit.lua)
--       6 first  zset  items of the brake lane -> ms of their recording
--       7 slow   zset  person -> ms from which their next item may be claimed
-- ARGV  1 worker  2 lease ms
--       3, 4, 5 limits: of all items, of the usual lane, of the slow lane
--       6 prefix of envelopes' records     7 prefix of the zsets of parked items
--       8 ms for which an item is parked
-- Returns {ms until the next item is due or -1, item, fence, tries, lane, …};
-- the lane is 'usual', 'brake', or 'slow:' and the person.
even_if_full(KEYS[2])
local now = redis_ms()
local lease = tonumber(ARGV[2])
local most, usual, slow = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local out = {0}
local taken = 0

local function take(item, lane)
  local fence = tostring(redis.call('HINCRBY', KEYS[5], 'fence', 1))
  redis.call('HSET', KEYS[2], item, fence)
  redis.call('HSET', KEYS[3], item, ARGV[1])
  redis.call('ZADD', KEYS[1], now + lease, item)
  out[#out + 1] = item
  out[#out + 1] = fence
  out[#out + 1] = redis.call('HINCRBY', KEYS[4], item, 1)
  out[#out + 1] = lane
  taken = taken + 1
end

for _, item in ipairs(redis.call('ZRANGE', KEYS[6], 0, 63)) do
  local at = redis.call('ZSCORE', KEYS[1], item)
  if not at then
    redis.call('ZREM', KEYS[6], item)
  elseif tonumber(at) <= now and taken < most then
    take(item, 'brake')
  end
end

-- whose returns the person if the item is a slow one, else nil.
local function whose(item)
  local kind = string.sub(item, 1, 2)
  if kind == 'h:' then return item end
  if kind ~= 'i:' then return nil end
  local body = redis.call('GET', ARGV[6] .. string.sub(item, 3))
  if not body then return nil end
  local ok, env = pcall(cjson.decode, body)
  if ok and env.lane == 'slow' then return env.by or '' end
end

-- park puts an item into its person's queue. If the item was claimed before, that
-- worker has died or was too slow, and the person's next item need not wait for it.
local function park(item, person)
  local place = ARGV[7] .. person
  redis.call('ZADD', place, 'NX', now, item)
  redis.call('EXPIRE', place, 86400)
  if redis.call('HDEL', KEYS[2], item) == 1 then
    redis.call('HDEL', KEYS[3], item)
    redis.call('ZADD', KEYS[7], now, person)
  else
    redis.call('ZADD', KEYS[7], 'NX', now, person)
  end
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[8]), item)
end

usual = math.min(usual, most - taken)
local free = usual > 0
for _ = 1, 8 do
  local parked = 0
  for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, usual + 16)) do
    local person = whose(item)
    if person then
      parked = parked + 1
      park(item, person)
    elseif usual > 0 then
      take(item, 'usual')
      usual = usual - 1
    end
  end
  if parked == 0 then break end
end

slow = math.min(slow, most - taken)
for _, person in ipairs(slow > 0 and redis.call('ZRANGEBYSCORE', KEYS[7], '-inf', now, 'LIMIT', 0, 64) or {}) do
  if slow <= 0 then break end
  local place = ARGV[7] .. person
  local given = false
  for _, item in ipairs(redis.call('ZRANGE', place, 0, 15)) do
    redis.call('ZREM', place, item)
    -- An older replica may have claimed it from the due list meanwhile.
    if redis.call('ZSCORE', KEYS[1], item) and redis.call('HEXISTS', KEYS[2], item) == 0 then
      take(item, 'slow:' .. person)
      slow = slow - 1
      given = true
      break
    end
  end
  if given then
    redis.call('ZADD', KEYS[7], now + lease, person)
  elseif redis.call('ZCARD', place) == 0 then
    redis.call('ZREM', KEYS[7], person)
  end
end

local n = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
out[1] = n[2] and free and math.max(0, n[2] - now) or -1
return out
