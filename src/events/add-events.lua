-- Adds events to the stream, and bounds it by number and by age.
-- KEYS[1] the stream
-- ARGV    most entries, most age in ms, then events as JSON
-- result  how many entries have been added to the stream since it exists
local clock = redis.call('TIME')
local oldest = clock[1] * 1000 + math.floor(clock[2] / 1000) - tonumber(ARGV[2])
for i = 3, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'event', ARGV[i]) end
redis.call('XTRIM', KEYS[1], 'MINID', '~', oldest)
local info = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do if info[i] == 'entries-added' then return info[i + 1] end end
