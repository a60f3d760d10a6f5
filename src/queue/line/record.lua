-- The queue's history: one row for every 5 seconds with ticks, kept for 24 hours.
--   :history   list  cjson rows [at, waiting, active, entered, admitted, completed, expired, median wait in s or -1]
--   :waits     list  waiting times of those admitted in the present row, in ms
-- meta: rowAt (start of the present row in ms, 0: none), row:<count> (the count at its start)
local ROW_MS = 5000
local MAX_ROWS = 17280
local MAX_WAITS = 5000
local COUNTS = { 'entered', 'admitted', 'completed', 'expired' }

local function median(key)
  local waits = redis.call('LRANGE', key, 0, -1)
  for i, wait in ipairs(waits) do waits[i] = tonumber(wait) end
  table.sort(waits)
  return #waits > 0 and math.floor(waits[math.ceil(#waits / 2)] / 1000) or -1
end

-- Closes the present row when its time is over, and begins the next one. After a gap in the ticks, entries since the last
-- tick belong to the new row.
local function record()
  local at = now - now % ROW_MS
  local rowAt = count('rowAt')
  if at == rowAt then return end
  local late = 0
  if now - rowAt >= 2 * ROW_MS then late = count('entered') - math.max(count('saidEntered'), count('row:entered')) end
  local row = { rowAt, math.max(0, waiting() - late), redis.call('ZCARD', P .. ':active') }
  local starts = { 'HSET', P .. ':meta', 'rowAt', at }
  if rowAt == 0 then
    redis.call(unpack(starts))
    return
  end
  for _, name in ipairs(COUNTS) do
    local total = count(name) - (name == 'entered' and late or 0)
    row[#row + 1] = total - count('row:' .. name)
    starts[#starts + 1] = 'row:' .. name
    starts[#starts + 1] = total
  end
  row[#row + 1] = median(P .. ':waits')
  redis.call(unpack(starts))
  redis.call('DEL', P .. ':waits')
  redis.call('RPUSH', P .. ':history', cjson.encode(row))
  redis.call('LTRIM', P .. ':history', -MAX_ROWS, -1)
  redis.call('EXPIRE', P .. ':history', 86400)
end

local function recordWait(ms)
  if redis.call('LLEN', P .. ':waits') < MAX_WAITS then redis.call('RPUSH', P .. ':waits', ms) end
end
