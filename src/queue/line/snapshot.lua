-- All that a process needs to compute positions.
-- KEYS[1] the queue's prefix
-- result  JSON: a message (message.lua) with all departed numbers
-- include: line
-- include: pace
-- include: message
local departed = {}
for _, lane in ipairs(lanes) do departed[lane] = redis.call('ZRANGE', P .. ':gone:' .. lane, 0, -1) end
return cjson.encode(message(count('seq'), departed, {}, false))
