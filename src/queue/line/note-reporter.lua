-- Notes that a process has reported presence, or has no holders any more.
-- KEYS[1] the queue's prefix
-- ARGV    reporter, 1 when it has holders, else 0
-- include: line
if ARGV[2] == '0' then return redis.call('ZREM', P .. ':reporters', ARGV[1]) end
return redis.call('ZADD', P .. ':reporters', now, ARGV[1])
