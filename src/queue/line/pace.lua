-- The pace of admissions: `pace` in meta, in milliseconds per admission, 0 while unknown.
--   :admissions  list  "<ms>:<admitted>:<people ACTIVE before>" of the last minute's ticks
-- meta: waitedAt (the last tick that left no token WAITING, or at which the queue was not OPEN or had no capacity)

-- Returns how many were admitted since `from`, and how many were ACTIVE before them.
local function admittedSince(from)
  local sum, before = 0, nil
  for _, entry in ipairs(redis.call('LRANGE', P .. ':admissions', 0, -1)) do
    local at, admitted, active = entry:match('^(%d+):(%d+):(%d+)$')
    if tonumber(at) > from then
      sum = sum + tonumber(admitted)
      before = before or tonumber(active)
    end
  end
  return sum, before or 0
end

local function admittedLastMinute() return (admittedSince(now - 60000)) end

local function noteAdmitted(admitted, activeBefore)
  redis.call('RPUSH', P .. ':admissions', now .. ':' .. admitted .. ':' .. activeBefore)
end

local function forgetOldAdmissions()
  local oldest = redis.call('LINDEX', P .. ':admissions', 0)
  while oldest and tonumber(oldest:match('^%d+')) <= now - 60000 do
    redis.call('LPOP', P .. ':admissions')
    oldest = redis.call('LINDEX', P .. ':admissions', 0)
  end
end

-- Measured over the last minute, but not before people began to wait. In a full queue, admissions that filled free places
-- are not counted, because they do not repeat: what counts is how fast places come free, and all of them do within one
-- active time.
local function measurePace(elapsed)
  if set.state ~= 'OPEN' or drawing or set.capacity == 0 or waiting() == 0 then
    redis.call('HSET', P .. ':meta', 'waitedAt', now)
    return 0
  end
  -- After a gap in the ticks the measurement begins anew.
  if elapsed >= 2000 then redis.call('HSET', P .. ':meta', 'waitedAt', now - 1) end
  local from = math.max(count('waitedAt'), now - 60000)
  local admitted, activeBefore = admittedSince(from)
  if admitted == 0 then return 0 end
  local span = math.max(now - from, 1000)
  local active = redis.call('ZCARD', P .. ':active')
  if active < set.capacity then return span / admitted end
  local freed = math.max(1, admitted - math.max(0, active - activeBefore))
  return math.min(span / freed, set.activeMs / math.max(1, active))
end
