-- Removes a queue that a tick found empty from the live ones, unless it was noted again a short time ago.
-- KEYS[1] the live queues (see note-live.lua)
-- ARGV    queue id, how long it stays after the last note, in ms
-- result  1 when it was removed, else 0
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local noted = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or now)
if now - noted < tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
