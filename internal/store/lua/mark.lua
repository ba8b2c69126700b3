-- mark sets a field of a hash: when something was last done or may next be done.
--
-- KEYS  1 a hash
-- ARGV  1 field  2 value
even_if_full(KEYS[1])
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
