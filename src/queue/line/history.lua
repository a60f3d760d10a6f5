-- Rows of the queue's past.
-- KEYS[1] the queue's prefix
-- ARGV    how far back, in ms
-- result  cjson rows, oldest first (see record.lua)
-- include: line
-- include: record
if count('rowAt') > 0 then
  record()
  -- A queue without ticks has no present row.
  if now - count('tickAt') >= 2 * ROW_MS then redis.call('HSET', P .. ':meta', 'rowAt', 0) end
end
local maxRows = math.ceil(tonumber(ARGV[1]) / ROW_MS)
local rows = redis.call('LRANGE', P .. ':history', -maxRows, -1)
local first = 1
while rows[first] and tonumber(rows[first]:match('%d+')) <= now - tonumber(ARGV[1]) - ROW_MS do first = first + 1 end
local recent = {}
for i = first, #rows do recent[#recent + 1] = rows[i] end
return recent
