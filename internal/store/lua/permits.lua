-- permits.lua comes after lib.lua in the scripts that need it (see scripts.go).
--
-- Stops and starts of each project have a quota, with a log, a book and a queue (line);
-- what follows is the same for all. Permits are a sliding log in two phases. A permit
-- counts while its call is under way, and its 60 seconds begin only when the answer
-- is in. So network delay cannot push two calls of different windows together at
-- the cloud.
--
--   log   zset  permit -> ms at which it stops counting
--   book  hash  permit -> servers; and
--               #sum    servers in the log
--               #clock  highest time seen: the time of permits never goes back
--               #run    run id of the Redis process that kept the log
--               #frozen ms until which permits are blocked
--               #since  ms at which a restart or loss of the store was detected
--               #back   ms at which the clock was found to have been ahead
--               #v      virtual time: the score of the last request served
--               #n      requests that entered the queue so far
--               a:<request>  ms until which the request keeps its place without asking again
--               f:<request>  ms since which it is first in the queue and finds no room
--   line  zset  request -> servers it was granted, counted from #v at its start;
--               the fraction orders equals by arrival

-- rewound corrects a log whose times come from a clock that was ahead by more than a
-- window; without it nothing would be granted until the real time has caught up. It
-- is unknown when the calls were made, so each permit counts for a window from now,
-- and permits are blocked meanwhile.
local function rewound(log, book, window, now)
  local by = tonumber(redis.call('HGET', book, '#clock') or '0') - now
  if by <= window then return end
  local all = redis.call('ZRANGE', log, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    redis.call('ZADD', log, math.max(tonumber(all[i + 1]) - by, now + window), all[i])
  end
  all = redis.call('HGETALL', book)
  for i = 1, #all, 2 do
    local kind, at = string.sub(all[i], 1, 2), tonumber(all[i + 1])
    if kind == 'a:' and at > now + 3000 then redis.call('HSET', book, all[i], now + 3000) end
    if kind == 'f:' and at > now then redis.call('HSET', book, all[i], now) end
    if all[i] == '#since' and at > now then redis.call('HSET', book, all[i], now) end
  end
  local blocked = tonumber(redis.call('HGET', book, '#frozen') or '0')
  redis.call('HSET', book, '#clock', now, '#frozen', math.max(blocked - by, now + window), '#back', now)
end

-- noticed blocks permits for a window if the log was kept by another Redis process
-- than the one that the caller is connected to: the newest permits may be lost.
-- Returns the ms for which permits stay blocked.
local function noticed(log, book, run, window, now)
  rewound(log, book, window, now)
  local s = redis.call('HMGET', book, '#run', '#frozen', '#clock')
  now = math.max(now, tonumber(s[3] or '0'))
  local blocked = tonumber(s[2] or '0')
  if s[1] ~= run then
    blocked = math.max(now + window, blocked)
    redis.call('HSET', book, '#run', run, '#frozen', blocked, '#since', now, '#clock', now)
  end
  return math.max(0, blocked - now)
end

-- adopt initialises a book that the store does not have yet: nothing was ever granted in
-- it. Its run id is that of the first book, whose block, if there is one, holds for it,
-- too.
local function adopt(from, book)
  local s = redis.call('HMGET', from, '#run', '#frozen')
  if s[1] and redis.call('HSETNX', book, '#run', s[1]) == 1 and s[2] then
    redis.call('HSET', book, '#frozen', s[2])
  end
end

-- drop removes a permit from the log.
local function drop(log, book, id)
  local cost = tonumber(redis.call('HGET', book, id) or '0')
  redis.call('HDEL', book, id)
  redis.call('ZREM', log, id)
  redis.call('HINCRBY', book, '#sum', -cost)
end

-- leave_queue removes a request from the queue.
local function leave_queue(book, line, request)
  redis.call('ZREM', line, request)
  redis.call('HDEL', book, 'a:' .. request, 'f:' .. request)
end

-- room decides whether the call p may be made now. p has: id, request, cost (servers),
-- rest (servers the request still has to send, these included), first (its
-- first call), limit, reserve, soon (ms), run, window (ms), busy (ms that may
-- pass between the question and the call).
-- Returns 'yes', 'full', 'line' or 'blocked', and the ms after which to ask again;
-- with 'line' also the place in the queue, if its head finds no room.
--
-- The request at the head of the queue may go. A request too large for one window
-- leaves enough room for the first call of a small one within p.soon: that costs the
-- large one nothing, because it has to wait anyway.
local function room(log, book, line, p, now)
  local blocked = noticed(log, book, p.run, p.window, now)
  if blocked > 0 then return 'blocked', blocked end
  now = math.max(now, tonumber(redis.call('HGET', book, '#clock') or '0'))
  redis.call('HSET', book, '#clock', now)
  if redis.call('HEXISTS', book, p.id) == 1 then return 'yes', 0 end
  -- A call that can never find room must not stay in the queue: the others would
  -- wait behind it without end. (The engine splits such a batch.)
  if p.cost > p.limit then
    leave_queue(book, line, p.request)
    return 'full', 1000
  end

  if not redis.call('ZSCORE', line, p.request) then
    -- Equals are ordered by arrival; otherwise many small requests would pass one
    -- whose name sorts late.
    local n = redis.call('HINCRBY', book, '#n', 1) % 1048576
    local start = tonumber(redis.call('HGET', book, '#v') or '0')
    -- No request passes one that has waited at the head for a whole window.
    local head = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
    if head[1] and now - tonumber(redis.call('HGET', book, 'f:' .. head[1]) or now) > p.window then
      start = math.max(start, math.floor(tonumber(head[2])) + 1)
    end
    redis.call('ZADD', line, start + n / 1048576, p.request)
  end
  redis.call('HSET', book, 'a:' .. p.request, now + 3000)
  for _, r in ipairs(redis.call('ZRANGE', line, 0, -1)) do
    if r == p.request then break end
    -- A request that has stopped asking holds up no other.
    if now > tonumber(redis.call('HGET', book, 'a:' .. r) or '0') then
      leave_queue(book, line, r)
    else
      if redis.call('HEXISTS', book, 'f:' .. r) == 0 then return 'line', 200 end
      return 'line', 200, redis.call('ZRANK', line, p.request) + 1
    end
  end

  for _, id in ipairs(redis.call('ZRANGEBYSCORE', log, '-inf', now)) do drop(log, book, id) end
  local sum = tonumber(redis.call('HGET', book, '#sum') or '0')
  local limit = p.limit
  if not (p.first and p.cost <= p.reserve) and p.rest > p.limit - sum then
    local freed = 0
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', log, '-inf', now + p.soon)) do
      freed = freed + tonumber(redis.call('HGET', book, id) or '0')
    end
    limit = math.min(p.limit, p.limit - p.reserve + freed)
    -- A call larger than what the reserve leaves may still use an empty window.
    if sum == 0 then limit = p.limit end
  end
  if sum + p.cost <= limit then
    -- The caller reads its servers before the call, and keeps its place meanwhile.
    redis.call('HSET', book, 'a:' .. p.request, now + p.busy)
    return 'yes', 0
  end
  redis.call('HSETNX', book, 'f:' .. p.request, now)

  local need, freed, at = sum + p.cost - limit, 0, now + 1000
  local all = redis.call('ZRANGE', log, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    freed = freed + tonumber(redis.call('HGET', book, all[i]) or '0')
    at = tonumber(all[i + 1])
    if freed >= need then break end
  end
  return 'full', math.max(1, at - now)
end

-- grant adds the permit to the log, where it counts for p.ttl ms, and moves the
-- request back in the queue by what it was given.
local function grant(log, book, line, p, now)
  if redis.call('HEXISTS', book, p.id) == 1 then return end
  now = math.max(now, tonumber(redis.call('HGET', book, '#clock') or '0'))
  redis.call('ZADD', log, now + p.ttl, p.id)
  redis.call('HSET', book, p.id, p.cost)
  redis.call('HINCRBY', book, '#sum', p.cost)
  local v = redis.call('ZSCORE', line, p.request)
  if v then redis.call('HSET', book, '#v', math.floor(tonumber(v))) end
  if p.rest <= p.cost then
    leave_queue(book, line, p.request)
  else
    redis.call('ZINCRBY', line, p.cost, p.request)
    redis.call('HDEL', book, 'f:' .. p.request)
  end
end
