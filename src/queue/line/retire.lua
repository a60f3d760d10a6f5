-- Takes a queue that a tick found empty off the live ones, unless somebody may have come to it just now.
-- KEYS[1] the live queues (see note-live.lua)
-- ARGV    queue id, for how long after the last coming it stays, in ms
-- result  1 when it was taken off
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local came = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or now)
if now - came < tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
