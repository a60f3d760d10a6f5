-- Tokens. A WAITING token is a few bytes in a hash that it shares with others, because Redis stores small hashes without an
-- entry for each field (config: hash-max-listpack-*): a million tokens take less than 300 MB.
--   :w:<b>     hash  the rest of an id -> FORMAT; b are the id's first 4 letters
--   :t:<id>    hash  a token that is no longer WAITING: v secret, u user, s status, l lane, n number, e entered, a activated,
--                    x active until, y first end of the active time, r end reason, f when it ended; instants in ms of Redis' clock
--   :u:<b>     hash  the rest of a user's id -> id of the user's live token; b are the user id's last 4 digits
local ENDED_SECONDS = 3600
-- A draw needs the entries that left while it was under way.
local ENDED_IN_A_DRAW_SECONDS = 86400
-- secret, user, lane, number, entered, predicted admission (0: none): less than the 64 bytes of hash-max-listpack-value
local FORMAT = '>c22c16c1I5I6I6'

local function packUser(user)
  return (user:gsub('-', ''):gsub('%x%x', function(byte) return string.char(tonumber(byte, 16)) end))
end

local function unpackUser(bytes)
  return ('%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x'):format(bytes:byte(1, 16))
end

local function waitingAt(id) return P .. ':w:' .. id:sub(1, 4), id:sub(5) end
local function liveAt(user) return P .. ':u:' .. user:sub(-4), packUser(user:sub(1, -5)) end

-- Id of the user's live token, or nil.
local function liveTokenOf(user)
  local key, field = liveAt(user)
  return redis.call('HGET', key, field) or nil
end

local function setLive(user, id)
  local key, field = liveAt(user)
  redis.call('HSET', key, field, id)
end

local function token(id)
  local key, field = waitingAt(id)
  local packed = redis.call('HGET', key, field)
  if packed then
    local v, u, l, n, e, p = struct.unpack(FORMAT, packed)
    return { id = id, v = v, u = unpackUser(u), s = 'W', l = l, n = n, e = e, x = 0, y = 0, p = p }
  end
  local f = redis.call('HMGET', P .. ':t:' .. id, 'v', 'u', 's', 'l', 'n', 'e', 'a', 'x', 'y', 'r', 'f')
  if not f[1] then return nil end
  return { id = id, v = f[1], u = f[2], s = f[3], l = f[4], n = tonumber(f[5]), e = tonumber(f[6]), a = f[7] or nil,
    x = tonumber(f[8] or 0), y = tonumber(f[9] or 0), r = f[10] or nil, f = f[11] or nil, p = 0 }
end

local function saveWaiting(t)
  local key, field = waitingAt(t.id)
  redis.call('HSET', key, field, struct.pack(FORMAT, t.v, packUser(t.u), t.l, t.n, t.e, t.p))
end

-- Stores a token that is no longer WAITING in a hash of its own; the further arguments are fields and values.
local function saveApart(t, ...)
  local key, field = waitingAt(t.id)
  redis.call('HDEL', key, field)
  redis.call('HSET', P .. ':t:' .. t.id, 'v', t.v, 'u', t.u, 'l', t.l, 'n', t.n, 'e', t.e, ...)
end

local function changed(id) redis.call('RPUSH', P .. ':changed', id) end

-- Marks a token's number as departed.
local function vacate(t)
  local _, head = line(t.l)
  if drawing and t.n <= count('sealed:' .. t.l) then
    add('early:' .. t.l, 1)
  elseif t.n > head then
    redis.call('ZADD', P .. ':gone:' .. t.l, t.n, t.n)
    redis.call('RPUSH', P .. ':left', t.l .. ':' .. t.n)
    t.vacated = { t.l, t.n }
  end
end

-- Ends a token with status C, E or L and a reason, now or at the instant `at`. It can be read for an hour.
local function finish(t, status, reason, at)
  if t.s == 'W' then vacate(t) end
  redis.call('ZREM', P .. ':active', t.id)
  t.s, t.r, t.f = status, reason, at or now
  saveApart(t, 's', t.s, 'r', t.r, 'f', t.f)
  redis.call('EXPIRE', P .. ':t:' .. t.id, set and set.phase == 'sealed' and ENDED_IN_A_DRAW_SECONDS or ENDED_SECONDS)
  local key, field = liveAt(t.u)
  if redis.call('HGET', key, field) == t.id then redis.call('HDEL', key, field) end
  changed(t.id)
end

-- Appends to the back of a lane, under a new number.
local function append(t, lane)
  openLane(lane)
  t.s, t.l, t.n = 'W', lane, add('tail:' .. lane, 1)
  t.a, t.x, t.y = nil, 0, 0
  redis.call('RPUSH', P .. ':line:' .. lane, t.id)
  local estimate = drawing and -1 or eta(position(lane, t.n))
  t.p = estimate >= 0 and now + estimate or 0
  redis.call('DEL', P .. ':t:' .. t.id)
  saveWaiting(t)
end

-- Ends a token whose active time is over, or appends it to the back; ends a token that a closing has passed. Other tokens
-- are not changed.
local function settle(t)
  if not set then return end
  if t.s == 'A' and now >= t.x then
    if set.reenter and set.state ~= 'CLOSED' then
      redis.call('ZREM', P .. ':active', t.id)
      append(t, t.l)
      changed(t.id)
    else
      finish(t, 'E', 'ACTIVE_TIME_OVER', t.x)
      add('expired', 1)
    end
  elseif t.s == 'W' and not drawing then
    local _, head = line(t.l)
    if t.n <= head then finish(t, 'E', 'QUEUE_CLOSED', closedAt()) end
  end
end

-- Ms for which a place is kept though its holder is not seen any more (presence.lua); -1 for a token that does not wait, and
-- where nothing is known of its holder, far from the front.
local function keptMs(t)
  if t.s ~= 'W' or not set then return -1 end
  if drawing then return math.max(0, set.openAt - now) + set.awayMs end
  local seen = not t.isHere and redis.call('HGET', P .. ':seen:' .. t.l, t.n)
  if not seen then return t.isHere and set.awayMs or -1 end
  local at = count('clock')
  return math.max(0, set.awayMs - (at - math.max(tonumber(seen), count('floor'))))
end

-- A token for Node, in the order of RawView in queue-token.ts.
local function view(t)
  local place, estimate = -1, -1
  if t.s == 'W' and drawing then
    estimate = math.max(0, set.openAt - now)
  elseif t.s == 'W' then
    place = position(t.l, t.n)
    estimate = eta(place)
  end
  return { t.v, t.u, t.s, t.l, t.n, t.e, t.a or '', t.x, t.r or '', place, waiting(), estimate, now, set and set.awayMs or 0,
    t.f or '', keptMs(t), tonumber(meta('etaErrorMs') or -1), set and set.version or 0 }
end
