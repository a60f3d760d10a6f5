-- Notes that a queue may have people in it.
-- KEYS[1] the live queues: a zset of queue ids by the time of the last note, in ms
-- ARGV    queue id
local clock = redis.call('TIME')
return redis.call('ZADD', KEYS[1], clock[1] * 1000 + math.floor(clock[2] / 1000), ARGV[1])
