-- One turn of a queue: expires the overdue, admits from the front, and says in ONE message what changed.
-- KEYS[1] the queue's prefix
-- ARGV    least ms since the last tick, channel of the messages
-- result  0 when nobody is in the queue, 1 when somebody is, -1 when it was not yet time
-- include: line
-- include: message
local MOST_STEPS = 2000
local set = settings()
if not set then return 0 end
if now - count('tickAt') < tonumber(ARGV[1]) then return -1 end
local elapsed = math.min(now - count('tickAt'), 1000)
redis.call('HSET', P .. ':meta', 'tickAt', now)

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. ':active', '-inf', now, 'LIMIT', 0, MOST_STEPS)) do
  local t = token(id)
  if t and t.s == 'A' then settle(t, set) else redis.call('ZREM', P .. ':active', id) end
end

-- A leaky bucket (ITU-T I.371) spreads a rate over its minute; the count of the last minute bounds what it may give.
local function allowance()
  local free = set.capacity - redis.call('ZCARD', P .. ':active')
  if set.state ~= 'OPEN' or free <= 0 then return 0 end
  if not set.admitPerMinute then return free end
  local depth = math.max(1, set.admitPerMinute / 60)
  local budget = tonumber(redis.call('HGET', P .. ':meta', 'budget') or 1)
  budget = math.min(depth, budget + elapsed * set.admitPerMinute / 60000)
  redis.call('HSET', P .. ':meta', 'budget', budget)
  return math.min(free, math.floor(budget), set.admitPerMinute - (admittedLastMinute()))
end

local function admit(t)
  local untilMs = now + set.activeMs
  redis.call('HSET', P .. ':t:' .. t.id, 's', 'A', 'a', now, 'x', untilMs, 'y', untilMs)
  redis.call('ZADD', P .. ':active', untilMs, t.id)
  if t.p > 0 then
    redis.call('RPUSH', P .. ':errors', now .. ':' .. math.abs(now - t.p))
    redis.call('LTRIM', P .. ':errors', -200, -1)
  end
end

-- Takes the next entry off a lane; the head follows unless a closing is ahead of it.
local function pop(lane)
  local id = redis.call('LPOP', P .. ':line:' .. lane)
  if not id then return nil end
  local number = add('popped:' .. lane, 1)
  local _, head = line(lane)
  local t = token(id)
  local stands = t and t.s == 'W' and t.l == lane and t.n == number
  if number <= head then
    if stands then finish(t, 'E', 'QUEUE_CLOSED') end
    return false
  end
  redis.call('HSET', P .. ':meta', 'head:' .. lane, number)
  redis.call('ZREM', P .. ':gone:' .. lane, number)
  return stands and t or false
end

local room = allowance()
local steps, admitted = 0, 0
for _, lane in ipairs(LANES) do
  local function passed() return count('popped:' .. lane) < count('head:' .. lane) end
  while steps < MOST_STEPS and (admitted < room or passed()) do
    local t = pop(lane)
    if t == nil then break end
    steps = steps + 1
    if t then
      admit(t)
      admitted = admitted + 1
    end
  end
end
if admitted > 0 then
  add('admitted', admitted)
  if set.admitPerMinute then redis.call('HINCRBYFLOAT', P .. ':meta', 'budget', -admitted) end
  redis.call('RPUSH', P .. ':recent', now .. ':' .. admitted)
end
local recently, since = admittedLastMinute()
redis.call('HSET', P .. ':meta', 'pace', recently > 0 and math.max(now - since, 1000) / recently or 0)
local oldest = redis.call('LINDEX', P .. ':recent', 0)
while oldest and tonumber(oldest:match('^%d+')) <= now - 60000 do
  redis.call('LPOP', P .. ':recent')
  oldest = redis.call('LINDEX', P .. ':recent', 0)
end

-- Drains what was noted since the last message; more than one message can carry makes everybody ask.
local function noted(key)
  local many = redis.call('LLEN', key)
  local list = many <= MOST_STEPS and redis.call('LRANGE', key, 0, -1) or {}
  redis.call('DEL', key)
  return list, many > MOST_STEPS
end

local people = waiting() + redis.call('ZCARD', P .. ':active')
local entered = count('entered')
local news = admitted > 0 or steps > 0 or count('due') == 1 or entered ~= count('saidEntered')
  or redis.call('EXISTS', P .. ':left', P .. ':changed') > 0
if news or (people > 0 and now - count('saidAt') >= 900) then
  local left, tooManyLeft = noted(P .. ':left')
  local ids, tooManyIds = noted(P .. ':changed')
  local gone = {}
  for _, entry in ipairs(left) do
    local lane, number = entry:match('^(%d+):(%d+)$')
    gone[lane] = gone[lane] or {}
    table.insert(gone[lane], tonumber(number))
  end
  redis.call('HSET', P .. ':meta', 'saidAt', now, 'saidEntered', entered, 'due', 0)
  redis.call('PUBLISH', ARGV[2], cjson.encode(message(add('seq', 1), gone, ids, tooManyLeft or tooManyIds)))
end
if people > 0 or redis.call('EXISTS', P .. ':line:0') > 0 then return 1 end
return 0
