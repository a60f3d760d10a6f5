-- What every script of a queue knows. KEYS[1] is the queue's prefix {q:<id>}; all keys of a queue share its hash tag.
--   :settings  hash  version state capacity admitPerMinute activeMs maxWaiting reenter
--   :meta      hash  epoch seq tickAt saidAt, counts since the queue was made, pace (ms an admission), budget of the
--                    rate limit, and per lane
--                    tail (numbers given out), head (numbers whose turn has passed), popped (entries taken off the list)
--   :line:<l>  list  token ids of lane l in the order of their numbers; one that left stays until its turn
--   :gone:<l>  zset  numbers above head that left before their turn
--   :t:<id>    hash  one token: v secret, u user, s status, l lane, n number, e entered, a activated, x active until,
--                    y first end of the active time, r end reason, p predicted admission; instants in ms of Redis' clock
--   :users     hash  user id -> id of the user's live token
--   :active    zset  id -> end of the active time
--   :recent    list  "<ms>:<admitted>" of the last minute's ticks;  :errors  list  "<ms>:<error of an estimate in ms>"
--   :left      list  "<lane>:<number>" departed since the last message;  :changed  list  ids changed since then
local P = KEYS[1]
local ENDED_SECONDS = 3600
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function settings()
  local s = redis.call('HMGET', P .. ':settings', 'version', 'state', 'capacity', 'admitPerMinute', 'activeMs', 'maxWaiting', 'reenter')
  if not s[1] then return nil end
  return {
    state = s[2], capacity = tonumber(s[3]), admitPerMinute = s[4] ~= '' and tonumber(s[4]) or nil,
    activeMs = tonumber(s[5]), maxWaiting = tonumber(s[6]), reenter = s[7] == '1',
  }
end

local function count(field) return tonumber(redis.call('HGET', P .. ':meta', field) or 0) end
local function add(field, by) return redis.call('HINCRBY', P .. ':meta', field, by) end

-- Lanes in the order in which they are served.
local LANES = { '0' }

local function line(lane)
  local m = redis.call('HMGET', P .. ':meta', 'tail:' .. lane, 'head:' .. lane)
  return tonumber(m[1] or 0), tonumber(m[2] or 0)
end

local function waitingIn(lane)
  local tail, head = line(lane)
  return tail - head - redis.call('ZCARD', P .. ':gone:' .. lane)
end

local function waiting()
  local sum = 0
  for _, lane in ipairs(LANES) do sum = sum + waitingIn(lane) end
  return sum
end

local function position(lane, number)
  local ahead = 0
  for _, other in ipairs(LANES) do
    if other == lane then break end
    ahead = ahead + waitingIn(other)
  end
  local _, head = line(lane)
  return ahead + number - head - redis.call('ZCOUNT', P .. ':gone:' .. lane, '-inf', number)
end

local function token(id)
  local f = redis.call('HMGET', P .. ':t:' .. id, 'v', 'u', 's', 'l', 'n', 'e', 'a', 'x', 'y', 'r', 'p')
  if not f[1] then return nil end
  return { id = id, v = f[1], u = f[2], s = f[3], l = f[4], n = tonumber(f[5]), e = f[6], a = f[7], x = tonumber(f[8] or 0),
    y = tonumber(f[9] or 0), r = f[10], p = tonumber(f[11] or 0) }
end

local function changed(id) redis.call('RPUSH', P .. ':changed', id) end

-- The token is over: status C, E or L, with a reason. It can be read for an hour.
local function finish(t, status, reason)
  if t.s == 'W' then
    local _, head = line(t.l)
    if t.n > head then
      redis.call('ZADD', P .. ':gone:' .. t.l, t.n, t.n)
      redis.call('RPUSH', P .. ':left', t.l .. ':' .. t.n)
    end
  end
  redis.call('ZREM', P .. ':active', t.id)
  redis.call('HSET', P .. ':t:' .. t.id, 's', status, 'r', reason)
  redis.call('EXPIRE', P .. ':t:' .. t.id, ENDED_SECONDS)
  if redis.call('HGET', P .. ':users', t.u) == t.id then redis.call('HDEL', P .. ':users', t.u) end
  t.s, t.r = status, reason
  changed(t.id)
end

-- Milliseconds until place `p` is admitted at the pace of the last minute, or -1 while nobody was admitted.
local function eta(p)
  local pace = count('pace')
  return pace > 0 and math.floor(p * pace) or -1
end

-- Appends to the back of a lane, under a new number.
local function append(t, lane)
  t.s, t.l, t.n = 'W', lane, add('tail:' .. lane, 1)
  redis.call('RPUSH', P .. ':line:' .. lane, t.id)
  local estimate = eta(position(lane, t.n))
  t.p = estimate >= 0 and now + estimate or 0
  redis.call('HSET', P .. ':t:' .. t.id, 's', 'W', 'l', lane, 'n', t.n, 'p', t.p)
  redis.call('HDEL', P .. ':t:' .. t.id, 'a', 'x', 'y')
  t.a, t.x, t.y = nil, 0, 0
end

-- A token whose active time is over ends, or goes to the back; one passed by a closing has expired. Everything else stays.
local function settle(t, set)
  if t.s == 'A' and now >= t.x then
    if set.reenter and set.state ~= 'CLOSED' then
      redis.call('ZREM', P .. ':active', t.id)
      append(t, t.l)
      changed(t.id)
    else
      finish(t, 'E', 'ACTIVE_TIME_OVER')
      add('expired', 1)
    end
  elseif t.s == 'W' then
    local _, head = line(t.l)
    if t.n <= head then finish(t, 'E', 'QUEUE_CLOSED') end
  end
end

-- What Node needs to know of a token, in the order of TokenView in token-view.ts.
local function view(t)
  local place, estimate = -1, -1
  if t.s == 'W' then
    place = position(t.l, t.n)
    estimate = eta(place)
  end
  return { t.v, t.u, t.s, t.l, t.n, t.e, t.a or '', t.x, t.r or '', place, waiting(), estimate, now }
end
