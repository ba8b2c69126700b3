-- room asks whether a call would get its permit now, and puts its request in the
-- queue. It grants nothing: the permit is granted with the intent (commit.lua).
--
-- KEYS  1 log  2 book  3 line
-- ARGV  1 the permit asked for, as JSON (see permit in quota.go)
-- Returns {'yes'|'full'|'line'|'blocked', ms to wait, place in the queue or 0}.
even_if_full(KEYS[2]) -- asking needs little memory; a full Redis refuses the permit itself
local code, ms, place = room(KEYS[1], KEYS[2], KEYS[3], cjson.decode(ARGV[1]), redis_ms())
return {code, ms, place or 0}
