-- commit writes one change: records, due times, audit entries, lists, locks and
-- permits together, or nothing.
--
-- KEYS  1 due      zset  item -> ms at which it is due
--       2 claims   hash  item -> fence (fencing token) of its claim
--       3 owners   hash  item -> worker that claimed it
--       4 tries    hash  item -> claims since it was last released
--       5 woken    hash  items that became due while they were claimed
--       6 meta     hash  instance, schema, seq, fence
--       7 audit    stream
--       8 locks    hash  locked id -> holder
--       9 log     10 book     11 line      of one quota; see permits.lua
--      The keys of records are named in the change; all share one hash tag.
-- ARGV  1 the change as JSON (see Change in change.go)
-- Returns {code, server ms, seq, …}:
--       'done'            made
--       'again'           this operation was made before: a replay
--       'conflict' key    a record has another version
--       'lost'            the item is claimed by somebody else, or by nobody
--       'late'            the change's deadline is over
--       'most'            a set has as many members as it may have
--       'taken' id, holder, id, holder …     what others have locked
--       'blocked'|'full'|'line' ms           no permit now; ask again then
--      A change with keep is written even if Redis is at its maxmemory.

local DUE, CLAIMS, OWNERS, TRIES, WOKEN, META = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local AUDIT, LOCKS, LOG, BOOK, LINE = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local c = cjson.decode(ARGV[1])
local now = redis_ms()
if c.keep then even_if_full(META) end
local function answer(code, ...) return {code, now, tonumber(redis.call('HGET', META, 'seq') or '0'), ...} end

local first = c.write and c.write[1]
if first and redis.call('HGET', first.key, 'op') == c.op then return answer('again') end
if c.lease and redis.call('HGET', CLAIMS, c.lease.item) ~= c.lease.fence then return answer('lost') end
for _, w in ipairs(c.write or {}) do
  if (redis.call('HGET', w.key, 'ver') or '0') ~= w.ver then return answer('conflict', w.key) end
end
for _, s in ipairs(c.expect or {}) do
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

-- From here on nothing refuses the change.
for _, w in ipairs(c.write or {}) do
  redis.call('HSET', w.key, 'ver', tostring(tonumber(w.ver) + 1), 'op', c.op, 'body', w.body)
end
for _, p in ipairs(c.put or {}) do redis.call('SET', p.key, p.body) end
for _, k in ipairs(c.drop or {}) do redis.call('DEL', k) end
for _, id in ipairs(c.lock or {}) do redis.call('HSET', LOCKS, id, c.request) end
for _, id in ipairs(c.unlock or {}) do
  if redis.call('HGET', LOCKS, id) == c.request then redis.call('HDEL', LOCKS, id) end
end
-- The stream is trimmed by whole nodes, so it keeps a few more entries than asked for.
for _, a in ipairs(c.audit or {}) do redis.call('XADD', AUDIT, 'MAXLEN', '~', c.audit_keep, '*', 'd', a) end
for _, p in ipairs(c.push or {}) do redis.call('RPUSH', p.key, p.body) end
if c.pop then redis.call('LTRIM', c.pop.key, c.pop.n, -1) end
for _, z in ipairs(c.index or {}) do
  if z.out then redis.call('ZREM', z.key, z.member) else redis.call('ZADD', z.key, z.score, z.member) end
end
if c.trim then redis.call('ZREMRANGEBYSCORE', c.trim.key, '-inf', c.trim.before) end
if c.leave then leave_queue(BOOK, LINE, c.leave) end
for _, x in ipairs(c.expire or {}) do redis.call('EXPIRE', x.key, x.s) end
local permit_missing = 0
if c.start_window then
  if redis.call('HEXISTS', BOOK, c.start_window.id) == 0 then
    permit_missing = 1
  elseif c.start_window.ms == 0 then
    drop(LOG, BOOK, c.start_window.id)
  else
    redis.call('ZADD', LOG, math.max(now, tonumber(redis.call('HGET', BOOK, '#clock') or '0')) + c.start_window.ms, c.start_window.id)
  end
end
if c.block and c.block > 0 then
  local till = math.max(now + c.block, tonumber(redis.call('HGET', BOOK, '#frozen') or '0'))
  redis.call('HSET', BOOK, '#frozen', till)
end
for _, w in ipairs(c.wake or {}) do wake(DUE, CLAIMS, WOKEN, w.item, now + w.ms) end
-- One item updates all open views, and finds out which of them are out of date.
-- Changes in quick succession make it due once.
if c.signal then
  redis.call('SET', c.signal.key, string.format('%.0f', redis_us()))
  if redis.call('EXISTS', c.signal.viewers) == 1 then
    wake(DUE, CLAIMS, WOKEN, c.signal.item, now + 200, 'LT')
  end
end
if c.release then release(DUE, CLAIMS, OWNERS, TRIES, WOKEN, c.lease.item, now, c.release.ms) end
redis.call('HINCRBY', META, 'seq', 1)
return answer('done', permit_missing)
