-- One tick of a queue: expires the overdue, admits from the front, and publishes what changed in ONE message.
-- KEYS[1] the queue's prefix
-- ARGV    minimum ms since the last tick, channel of the messages, 1 after an outage: every holder counts as seen
-- result  0 when the queue is empty, 1 when it is not, 2 when its opening is to be drawn, -1 when the last tick is too recent
-- include: line
-- include: token
-- include: presence
-- include: record
-- include: pace
-- include: message
-- include: admit
local MAX_STEPS = 2000
if not set then return 0 end
if ARGV[3] == '1' then redis.call('HSET', P .. ':meta', 'floor', count('clock')) end
local elapsed = now - count('tickAt')
if elapsed < tonumber(ARGV[1]) then return -1 end
redis.call('HSET', P .. ':meta', 'tickAt', now)
record()
local at = passTime(elapsed)

for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. ':active', '-inf', now, 'LIMIT', 0, MAX_STEPS)) do
  local t = token(id)
  if t and t.s == 'A' then settle(t) else redis.call('ZREM', P .. ':active', id) end
end

local admitted, steps = 0, 0
if not drawing then
  admitted, steps = admitFromTheFront(allowance(math.min(elapsed, 1000)), at, MAX_STEPS)
  for _, lane in ipairs(lanes) do enroll(lane, at, MAX_STEPS) end
end
if admitted > 0 then
  add('admitted', admitted)
  if set.admitPerMinute then redis.call('HINCRBYFLOAT', P .. ':meta', 'budget', -admitted) end
  noteAdmitted(admitted, redis.call('ZCARD', P .. ':active') - admitted)
end
redis.call('HSET', P .. ':meta', 'pace', measurePace(elapsed))
forgetOldAdmissions()

-- Drains what was noted since the last message; more than one message can carry makes every process read a snapshot.
local function noted(key)
  local many = redis.call('LLEN', key)
  local list = many <= MAX_STEPS and redis.call('LRANGE', key, 0, -1) or {}
  redis.call('DEL', key)
  return list, many > MAX_STEPS
end

local people = waiting() + redis.call('ZCARD', P .. ':active')
local entered = count('entered')
local news = admitted > 0 or steps > 0 or count('due') == 1 or entered ~= count('saidEntered')
  or redis.call('EXISTS', P .. ':left', P .. ':changed') > 0
if news or (people > 0 and now - count('saidAt') >= 900) then
  local left, tooManyLeft = noted(P .. ':left')
  local ids, tooManyIds = noted(P .. ':changed')
  local departed = {}
  for _, entry in ipairs(left) do
    local lane, number = entry:match('^(%d+):(%d+)$')
    departed[lane] = departed[lane] or {}
    table.insert(departed[lane], tonumber(number))
  end
  local said = message(add('seq', 1), departed, ids, tooManyLeft or tooManyIds)
  redis.call('HSET', P .. ':meta', 'saidAt', now, 'saidEntered', entered, 'due', 0, 'etaErrorMs', said.etaErrorMs)
  redis.call('PUBLISH', ARGV[2], cjson.encode(said))
end
if drawing and (set.phase == 'sealed' or set.state ~= 'SCHEDULED' or set.openAt <= now) then return 2 end
if people > 0 then return 1 end
for _, lane in ipairs(lanes) do
  if redis.call('EXISTS', P .. ':line:' .. lane) > 0 then return 1 end
end
return 0
