-- All that a process must know of a queue to reckon positions by itself.
-- KEYS[1] the queue's prefix
-- result  JSON: the last message (see tick.lua), with every number gone instead of those that went since
-- include: line
-- include: pace
-- include: message
local departed = {}
for _, lane in ipairs(lanes) do departed[lane] = redis.call('ZRANGE', P .. ':gone:' .. lane, 0, -1) end
return cjson.encode(message(count('seq'), departed, {}, false))
