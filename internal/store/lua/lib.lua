-- lib.lua is put before every script (see scripts.go).

local function redis_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

local function redis_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- even_if_full lets a script write although Redis is at its maxmemory. Redis
-- refuses a command that may need memory only as long as its script has not written
-- yet, and this HDEL counts as a write although it deletes nothing. It is for what
-- must not be lost (results, claims) and for what stops something (a freeze), never
-- for new work.
local function even_if_full(key) redis.call('HDEL', key, '#none') end

-- wake makes an item due at the given ms. A leased item stays with its worker: it is
-- marked, and becomes due when it is released. With how = 'LT' an item that is due
-- earlier keeps its time.
local function wake(due, claims, woken, item, at, how)
  if redis.call('HEXISTS', claims, item) == 1 then
    redis.call('HSET', woken, item, 1)
  elseif how then
    redis.call('ZADD', due, how, at, item)
  else
    redis.call('ZADD', due, at, item)
  end
end

-- release ends the claim of an item, which is due again in the given ms; -1 is never.
-- An item that was woken meanwhile is due now.
local function release(due, claims, owners, tries, woken, item, now, ms, counts_as_crash)
  redis.call('HDEL', claims, item)
  redis.call('HDEL', owners, item)
  if not counts_as_crash then redis.call('HDEL', tries, item) end
  if redis.call('HDEL', woken, item) == 1 then ms = 0 end
  if ms >= 0 then redis.call('ZADD', due, now + ms, item) else redis.call('ZREM', due, item) end
end

