-- commit makes one change: records, due times, audit entries, lists, locks and
-- permits change together or not at all.
--
-- KEYS  1 due      zset  item -> ms at which it has to be worked on
--       2 claims   hash  item -> fence of the claim that holds it
--       3 owners   hash  item -> worker that holds it
--       4 tries    hash  item -> claims since it was last given back
--       5 woken    hash  items that became due while they were held
--       6 meta     hash  instance, schema, seq, fence
--       7 audit    stream
--       8 locks    hash  what is locked -> who holds it
--       9 log     10 book     11 line      see permits.lua; of one quota
--      The keys of records are named in the change; all share one hash tag.
-- ARGV  1 the change as JSON (see Change in change.go)
-- Returns {code, server ms, seq, …}:
--       'done'            made
--       'again'           this very operation was made before: a replay
--       'conflict' key    a record has another version
--       'lost'            the claim is not held any more
--       'late'            past the change's deadline
--       'most'            a set has as many members as it may have
--       'taken' id, request, id, request …   what others have locked
--       'blocked'|'full'|'line' ms           no permit now; ask again then
--      A change with keep is made even if Redis is full.

local DUE, CLAIMS, OWNERS, TRIES, WOKEN, META = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local AUDIT, LOCKS, LOG, BOOK, LINE = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local c = cjson.decode(ARGV[1])
local now = redis_ms()
if c.keep then even_if_full(META) end
local function answer(code, ...) return {code, now, tonumber(redis.call('HGET', META, 'seq') or '0'), ...} end

local first = c.write and c.write[1]
if first and redis.call('HGET', first.key, 'op') == c.op then return answer('again') end
if c.hold and redis.call('HGET', CLAIMS, c.hold.item) ~= c.hold.fence then return answer('lost') end
for _, w in ipairs(c.write or {}) do
  if (redis.call('HGET', w.key, 'ver') or '0') ~= w.ver then return answer('conflict', w.key) end
end
for _, s in ipairs(c.same or {}) do
  if (redis.call('HGET', s.key, 'ver') or '0') ~= s.ver then return answer('conflict', s.key) end
end
if c.before and now >= c.before then return answer('late') end
if c.most and redis.call('ZCARD', c.most.key) >= c.most.n then return answer('most') end
local taken = {}
for _, id in ipairs(c.lock or {}) do
  local by = redis.call('HGET', LOCKS, id)
  if by and by ~= c.request then taken[#taken + 1] = id; taken[#taken + 1] = by end
end
if #taken > 0 then return answer('taken', unpack(taken, 1, math.min(#taken, 400))) end
if c.permit then
  local code, ms = room(LOG, BOOK, LINE, c.permit, now)
  if code ~= 'yes' then return answer(code, ms) end
  grant(LOG, BOOK, LINE, c.permit, now)
end

-- Nothing can refuse any more.
for _, w in ipairs(c.write or {}) do
  redis.call('HSET', w.key, 'ver', tostring(tonumber(w.ver) + 1), 'op', c.op, 'body', w.body)
end
for _, p in ipairs(c.put or {}) do redis.call('SET', p.key, p.body) end
for _, k in ipairs(c.drop or {}) do redis.call('DEL', k) end
for _, id in ipairs(c.lock or {}) do redis.call('HSET', LOCKS, id, c.request) end
for _, id in ipairs(c.unlock or {}) do
  if redis.call('HGET', LOCKS, id) == c.request then redis.call('HDEL', LOCKS, id) end
end
-- The stream is trimmed by whole nodes, so it holds some more than it must.
for _, a in ipairs(c.audit or {}) do redis.call('XADD', AUDIT, 'MAXLEN', '~', c.audit_keep, '*', 'd', a) end
for _, p in ipairs(c.push or {}) do redis.call('RPUSH', p.key, p.body) end
if c.pop then redis.call('LTRIM', c.pop.key, c.pop.n, -1) end
for _, z in ipairs(c.index or {}) do
  if z.out then redis.call('ZREM', z.key, z.member) else redis.call('ZADD', z.key, z.score, z.member) end
end
if c.trim then redis.call('ZREMRANGEBYSCORE', c.trim.key, '-inf', c.trim.before) end
if c.leave then leave(BOOK, LINE, c.leave) end
for _, x in ipairs(c.expire or {}) do redis.call('EXPIRE', x.key, x.s) end
local unsettled = 0
if c.settle then
  if redis.call('HEXISTS', BOOK, c.settle.id) == 0 then
    unsettled = 1
  elseif c.settle.ms == 0 then
    drop(LOG, BOOK, c.settle.id)
  else
    redis.call('ZADD', LOG, math.max(now, tonumber(redis.call('HGET', BOOK, '#clock') or '0')) + c.settle.ms, c.settle.id)
  end
end
if c.block and c.block > 0 then
  local till = math.max(now + c.block, tonumber(redis.call('HGET', BOOK, '#frozen') or '0'))
  redis.call('HSET', BOOK, '#frozen', till)
end
for _, w in ipairs(c.wake or {}) do wake(DUE, CLAIMS, WOKEN, w.item, now + w.ms) end
-- What people have before their eyes is drawn again by one item, which finds out
-- what is out of date. Changes that come quickly one after the other call it once.
if c.signal then
  redis.call('SET', c.signal.key, string.format('%.0f', redis_us()))
  if redis.call('EXISTS', c.signal.viewers) == 1 then
    wake(DUE, CLAIMS, WOKEN, c.signal.item, now + 200, 'LT')
  end
end
if c.finish then give_back(DUE, CLAIMS, OWNERS, TRIES, WOKEN, c.hold.item, now, c.finish.ms) end
redis.call('HINCRBY', META, 'seq', 1)
return answer('done', unsettled)
