-- room asks whether a call would get its permit now, and takes a place in the
-- line. It grants nothing: that is done together with the intent (commit.lua).
--
-- KEYS  1 log  2 book  3 line
-- ARGV  1 the permit asked for, as JSON (see permit in quota.go)
-- Returns {'yes'|'full'|'line'|'blocked', ms to wait, place in the line or 0}.
even_if_full(KEYS[2]) -- asking costs next to nothing; the permit itself is refused
local code, ms, place = room(KEYS[1], KEYS[2], KEYS[3], cjson.decode(ARGV[1]), redis_ms())
return {code, ms, place or 0}
