-- Notes that a process has told who is there, or has nobody to tell of any more.
-- KEYS[1] the queue's prefix
-- ARGV    reporter, 1 when it has holders to tell of, else 0
-- include: line
if ARGV[2] == '0' then return redis.call('ZREM', P .. ':reporters', ARGV[1]) end
return redis.call('ZADD', P .. ':reporters', now, ARGV[1])
