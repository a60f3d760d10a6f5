-- Admission from the front of the lanes, the highest lane first.

-- How many may be admitted now. A leaky bucket (ITU-T I.371) spreads a rate over its minute; the admissions of the last
-- minute bound it.
local function allowance(elapsedMs)
  local free = set.capacity - redis.call('ZCARD', P .. ':active')
  if set.state ~= 'OPEN' or drawing or free <= 0 then return 0 end
  if not set.admitPerMinute then return free end
  local depth = math.max(1, set.admitPerMinute / 60)
  local budget = tonumber(meta('budget') or 1)
  budget = math.min(depth, budget + elapsedMs * set.admitPerMinute / 60000)
  redis.call('HSET', P .. ':meta', 'budget', budget)
  return math.min(free, math.floor(budget), set.admitPerMinute - admittedLastMinute())
end

local function admit(t)
  local untilMs = now + set.activeMs
  saveApart(t, 's', 'A', 'a', now, 'x', untilMs, 'y', untilMs)
  redis.call('ZADD', P .. ':active', untilMs, t.id)
  recordWait(now - t.e)
  if t.p > 0 then
    redis.call('RPUSH', P .. ':errors', now .. ':' .. math.abs(now - t.p))
    redis.call('LTRIM', P .. ':errors', -200, -1)
  end
end

-- Takes the next entry off a lane; the head follows unless a closing has moved it further. Returns nil at the end of the
-- lane, the token when it is to be admitted, else false.
local function pop(lane, at)
  local id = redis.call('LPOP', P .. ':line:' .. lane)
  if not id then return nil end
  local number = add('popped:' .. lane, 1)
  local _, head = line(lane)
  local t = token(id)
  local away = wasAway(lane, number, at)
  local waits = t and t.s == 'W' and t.l == lane and t.n == number
  if number <= head then
    if waits then finish(t, 'E', 'QUEUE_CLOSED', closedAt()) end
    return false
  end
  redis.call('HSET', P .. ':meta', 'head:' .. lane, number)
  redis.call('ZREM', P .. ':gone:' .. lane, number)
  if waits and away then
    finish(t, 'E', 'AWAY')
    add('expired', 1)
    return false
  end
  return waits and t or false
end

-- Admits up to `room` people in at most `maxSteps` steps, and takes entries that a closing has passed off the line. Returns
-- how many were admitted, and the number of steps.
local function admitFromTheFront(room, at, maxSteps)
  local steps, admitted = 0, 0
  for _, lane in ipairs(lanes) do
    while steps < maxSteps and (admitted < room or count('popped:' .. lane) < count('head:' .. lane)) do
      local t = pop(lane, at)
      if t == nil then break end
      steps = steps + 1
      if t then
        admit(t)
        admitted = admitted + 1
      end
    end
  end
  return admitted, steps
end
