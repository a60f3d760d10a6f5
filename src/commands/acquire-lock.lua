-- Takes a lock for an owner when it is free and no earlier owner waits for it; else the owner waits in line.
-- Owners in line race for a free lock: each of them gets it before an owner that arrives later.
-- KEYS[1] the lock: the name of its owner, until the lease ends
-- ARGV    owner, lease in ms, ms after which an owner in line that has not tried again loses its place
-- result  0 when the owner has the lock, else ms until the lease of its present owner ends
local line = KEYS[1] .. ':line'
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', line, '-inf', now - ARGV[3])
if not holder and (redis.call('ZSCORE', line, ARGV[1]) or redis.call('ZCARD', line) == 0) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  redis.call('ZREM', line, ARGV[1])
  return 0
end
redis.call('ZADD', line, now, ARGV[1])
redis.call('PEXPIRE', line, ARGV[2])
return math.max(redis.call('PTTL', KEYS[1]), 1)
