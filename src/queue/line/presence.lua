-- Who is there. Its clock stands still unless the queue is OPEN and ticks come: nobody grows absent while nobody could be
-- admitted, nor through an outage of ours, after which everybody counts as seen (floor).
-- Kept for the next REACH numbers of a lane; each begins as seen when it comes within reach.
--   :reporters  zset  processes that have holders to tell of -> when they told last, in ms
local REACH = 20000
local MAX_GAP_MS = 2000
-- A tick that comes late costs nobody more than this.
local MAX_STEP_MS = 500
-- A process that tells nothing for so long has a fault of ours; its holders have the second time to go elsewhere, which
-- begins anew when the ticks do.
local SILENT_MS = 1500
local GIVEN_UP_MS = 10000

-- Whether a process that should tell who is there does not.
local function aReporterIsSilent()
  redis.call('ZREMRANGEBYSCORE', P .. ':reporters', '-inf', now - GIVEN_UP_MS)
  local told = tonumber(redis.call('ZRANGE', P .. ':reporters', 0, 0, 'WITHSCORES')[2] or now)
  return now - told > math.min(SILENT_MS, set.awayMs * 3 / 4)
end

-- Moves the clock by the time since the last tick; answers it.
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

-- Begins to keep the presence of those who came within reach of the front, at most `most` of them.
local function enroll(lane, at, most)
  local tail, head = line(lane)
  local reach = math.max(count('reach:' .. lane), head)
  local last = math.min(tail, head + REACH, reach + most)
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

-- Forgets a number's presence; answers whether its holder was away for too long.
local function wasAway(lane, number, at)
  local seen = redis.call('HGET', P .. ':seen:' .. lane, number)
  if not seen then return false end
  redis.call('HDEL', P .. ':seen:' .. lane, number)
  return at - math.max(tonumber(seen), count('floor')) > set.awayMs
end
