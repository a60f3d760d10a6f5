-- Presence of holders, on a clock of its own. The clock runs only while the queue is OPEN and ticks come, so that absence
-- does not grow while no token can be admitted, nor during an outage, after which every holder counts as seen (floor).
-- Presence is kept for the next REACH numbers of a lane; each begins as seen when it comes within reach.
--   :reporters  zset  processes that have holders -> the time of their last report, in ms
local REACH = 20000
local MAX_GAP_MS = 2000
-- A late tick moves the clock by at most this.
local MAX_STEP_MS = 500
-- A reporter that is silent for this long has failed, and the clock stands still. Its holders then have the second time to
-- connect to another process; that time begins again after a gap in the ticks.
local SILENT_MS = 1500
local GIVEN_UP_MS = 10000

-- Whether a process with holders does not report.
local function aReporterIsSilent()
  redis.call('ZREMRANGEBYSCORE', P .. ':reporters', '-inf', now - GIVEN_UP_MS)
  local reported = tonumber(redis.call('ZRANGE', P .. ':reporters', 0, 0, 'WITHSCORES')[2] or now)
  return now - reported > math.min(SILENT_MS, set.awayMs * 3 / 4)
end

-- Moves the clock by the time since the last tick; returns the clock.
local function passTime(sinceMs)
  if sinceMs > MAX_GAP_MS then
    for _, reporter in ipairs(redis.call('ZRANGE', P .. ':reporters', 0, -1)) do
      redis.call('ZADD', P .. ':reporters', now, reporter)
    end
  elseif set.state == 'OPEN' and not drawing and not aReporterIsSilent() then
    return add('clock', math.min(sinceMs, MAX_STEP_MS))
  end
  redis.call('HSET', P .. ':meta', 'floor', count('clock'))
  return count('clock')
end

-- Begins to keep the presence of numbers that have come within reach of the front, at most `max` of them.
local function enroll(lane, at, max)
  local tail, head = line(lane)
  local reach = math.max(count('reach:' .. lane), head)
  local last = math.min(tail, head + REACH, reach + max)
  for from = reach + 1, last, 500 do
    local pairs_ = {}
    for number = from, math.min(from + 499, last) do
      pairs_[#pairs_ + 1] = number
      pairs_[#pairs_ + 1] = at
    end
    redis.call('HSET', P .. ':seen:' .. lane, unpack(pairs_))
  end
  if last > reach then redis.call('HSET', P .. ':meta', 'reach:' .. lane, last) end
end

-- Removes a number's presence; returns whether its holder was away for too long.
local function wasAway(lane, number, at)
  local seen = redis.call('HGET', P .. ':seen:' .. lane, number)
  if not seen then return false end
  redis.call('HDEL', P .. ':seen:' .. lane, number)
  return at - math.max(tonumber(seen), count('floor')) > set.awayMs
end
