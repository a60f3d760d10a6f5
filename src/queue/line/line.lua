-- State and functions of a queue that its scripts share. KEYS[1] is the queue's prefix {q:<id>}; all keys of a queue have
-- its hash tag.
--   :settings  hash  version state capacity admitPerMinute activeMs maxWaiting reenter awayMs entriesPerMinute, and of a
--                    drawn opening phase (scheduled: entries are collected; sealed: they are being drawn) and openAt
--   :meta      hash  epoch seq tickAt saidAt, counts since the queue was made, pace (ms an admission), budget of the
--                    rate limit, lanes (their digits, highest first), clock (ms of presence, see presence.lua), and per
--                    lane tail (numbers given out), head (numbers whose turn has passed), popped (entries taken off the
--                    list), reach (numbers whose presence is kept), closedAt (of the line), etaErrorMs (as of the last message); while sealed (seal.lua) sealed, drawn, written, early
--   :line:<l>  list  token ids of lane l in the order of their numbers; a departed one stays until its turn
--   :gone:<l>  zset  departed numbers: above head, their holders left before their turn
--   :seen:<l>  hash  number -> when its holder was last seen, on the clock of presence
--   :reporters zset  processes that report presence -> the time of their last report, see presence.lua
--   :active    zset  id -> end of the active time
--   :errors    list  "<ms>:<error of an estimate in ms>";  :admissions, see pace.lua
--   :stuck     hash  admitted, and since when it is that though people could be admitted, see stuck.lua
--   :left      list  "<lane>:<number>" departed since the last message;  :changed  list  ids changed since then
-- The keys of tokens and users are in token.lua, those of the history in record.lua.
local P = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function settings()
  local s = redis.call('HMGET', P .. ':settings', 'version', 'state', 'capacity', 'admitPerMinute', 'activeMs',
    'maxWaiting', 'reenter', 'awayMs', 'phase', 'openAt', 'entriesPerMinute')
  if not s[1] then return nil end
  return {
    version = tonumber(s[1]), state = s[2], capacity = tonumber(s[3]), admitPerMinute = s[4] ~= '' and tonumber(s[4]) or nil,
    activeMs = tonumber(s[5]), maxWaiting = tonumber(s[6]), reenter = s[7] == '1', awayMs = tonumber(s[8]),
    phase = s[9] or '', openAt = tonumber(s[10] or 0), entriesPerMinute = tonumber(s[11] or ''),
  }
end
local set = settings()
local drawing = set ~= nil and set.phase ~= ''

local function meta(field) return redis.call('HGET', P .. ':meta', field) end
local function count(field) return tonumber(meta(field) or 0) end
local function add(field, by) return redis.call('HINCRBY', P .. ':meta', field, by) end

-- Digits of the lanes that have been entered, in the order in which they are served.
local lanes = {}
for lane in (meta('lanes') or '0'):gmatch('%d') do lanes[#lanes + 1] = lane end

local function openLane(lane)
  for _, known in ipairs(lanes) do
    if known == lane then return end
  end
  lanes[#lanes + 1] = lane
  table.sort(lanes, function(a, b) return a > b end)
  redis.call('HSET', P .. ':meta', 'lanes', table.concat(lanes))
end

local function line(lane)
  local m = redis.call('HMGET', P .. ':meta', 'tail:' .. lane, 'head:' .. lane)
  return tonumber(m[1] or 0), tonumber(m[2] or 0)
end

local function waitingIn(lane)
  local tail, head = line(lane)
  local early = drawing and count('early:' .. lane) or 0
  return tail - head - redis.call('ZCARD', P .. ':gone:' .. lane) - early
end

local function waiting()
  local sum = 0
  for _, lane in ipairs(lanes) do sum = sum + waitingIn(lane) end
  return sum
end

local function position(lane, number)
  local ahead = 0
  for _, other in ipairs(lanes) do
    if other == lane then break end
    ahead = ahead + waitingIn(other)
  end
  local _, head = line(lane)
  return ahead + number - head - redis.call('ZCOUNT', P .. ':gone:' .. lane, '-inf', number)
end

-- Milliseconds until place `p` is admitted at the present pace (see pace.lua), or -1 while that is unknown.
local function eta(p)
  local pace = count('pace')
  return pace > 0 and math.floor(p * pace) or -1
end

-- When the line was closed last.
local function closedAt() return tonumber(meta('closedAt') or now) end

-- Moves every head to its tail: a token whose number is at or below the head is no longer WAITING.
local function closeLines()
  redis.call('HSET', P .. ':meta', 'closedAt', now)
  for _, lane in ipairs(lanes) do
    add('expired', waitingIn(lane))
    redis.call('HSET', P .. ':meta', 'head:' .. lane, (line(lane)))
    redis.call('DEL', P .. ':gone:' .. lane)
  end
end
