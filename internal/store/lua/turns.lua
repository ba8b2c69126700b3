-- turns.lua paces what Slack limits (posts of one channel, the drawing of cards), over
-- all replicas. It is put before the scripts that take and free turns.
--
-- Each limit has a queue: a zset of items, the lowest score first. Its pace is one
-- number, the µs at which all its turns are free again (a GCRA): a turn taken moves
-- that by one gap into the future, and no further than burst gaps. The queue says only
-- in which order; the list of due items stays the truth about all of them. Who
-- takes a turn makes the next item due at the next turn, so those behind it need not
-- ask. An item that does not come for its turn loses its place when the next one
-- asks, or when a worker looks after the queues.

-- From this score on an item gives way: it leaves some turns to others.
local SPARE = 1e14
-- For so many µs the first of a queue is waited for.
local PATIENCE = 3000000

-- turns_of reads one queue. t is its state as the other functions know it.
local function turns_of(due, claims, woken, pace, heads, queue, name, gap, burst, reserve, quiet, now)
  -- It is never further away than that, unless the clock was set back.
  local full = math.min(tonumber(redis.call('HGET', pace, name) or '0'), now + burst * gap)
  if quiet > 0 then full = math.max(full, now + quiet * 1000 + (burst - 1) * gap) end
  -- A turn that was taken a little late does not delay those after it.
  if full < now - math.floor(gap / 4) then full = now end
  return {due = due, claims = claims, woken = woken, pace = pace, heads = heads, queue = queue, name = name,
    gap = gap, burst = burst, reserve = reserve, full = full, now = now}
end

-- turn_at tells from which µs on there is a turn for the item at a place of the queue.
local function turn_at(t, place, score)
  local left = score >= SPARE and t.reserve or 0
  return t.full - (t.burst - 1 - place - left) * t.gap
end

-- wake_first makes the first item of the queue due at its turn; own is the item that
-- asks: it comes by itself.
local function wake_first(t, own)
  local first = redis.call('ZRANGE', t.queue, 0, 0, 'WITHSCORES')
  if not first[1] then
    redis.call('ZREM', t.heads, t.name)
    return
  end
  local at = math.max(t.now, turn_at(t, 0, tonumber(first[2])))
  redis.call('ZADD', t.heads, math.floor(at), t.name)
  if first[1] ~= own then wake(t.due, t.claims, t.woken, first[1], math.ceil(at / 1000), 'LT') end
end

-- pass_over takes the first item out of the queue if it has not come for its turn, and
-- makes it due: if it still needs one it asks again.
local function pass_over(t, own)
  local since = tonumber(redis.call('ZSCORE', t.heads, t.name) or t.now)
  if since > t.now - PATIENCE then return end
  local first = redis.call('ZRANGE', t.queue, 0, 0)[1]
  if first and first ~= own then
    redis.call('ZREM', t.queue, first)
    wake(t.due, t.claims, t.woken, first, math.ceil(t.now / 1000), 'LT')
  end
  wake_first(t, own)
end
