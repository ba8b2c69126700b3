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
-- refuses only commands that may need memory, and none of a script that has
-- written already: this one writes nothing. It is for what must not be lost
-- (results, claims) and for what holds back (a freeze), never for new work.
local function even_if_full(key) redis.call('HDEL', key, '#none') end

-- wake makes an item due at the given ms. An item that is being worked on is not
-- taken from its worker: it is marked, and becomes due when it is given back.
-- With how = 'LT' an item that is due earlier stays so.
local function wake(due, claims, woken, item, at, how)
  if redis.call('HEXISTS', claims, item) == 1 then
    redis.call('HSET', woken, item, 1)
  elseif how then
    redis.call('ZADD', due, how, at, item)
  else
    redis.call('ZADD', due, at, item)
  end
end

-- give_back ends the claim of an item, which is due again in so many ms; -1 is
-- never. One that was woken meanwhile is due now.
local function give_back(due, claims, owners, tries, woken, item, now, ms, keep_tries)
  redis.call('HDEL', claims, item)
  redis.call('HDEL', owners, item)
  if not keep_tries then redis.call('HDEL', tries, item) end
  if redis.call('HDEL', woken, item) == 1 then ms = 0 end
  if ms >= 0 then redis.call('ZADD', due, now + ms, item) else redis.call('ZREM', due, item) end
end

