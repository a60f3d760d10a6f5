-- Gives a user a place at the back, or the live one that the user has.
-- KEYS[1] the queue's prefix
-- ARGV    user id, id and secret of the token to make where there is none
-- result  a view; or 'UNKNOWN' (no settings here), 'QUEUE_CLOSED', 'QUEUE_FULL'
-- include: line
local set = settings()
if not set then return 'UNKNOWN' end
local existing = redis.call('HGET', P .. ':users', ARGV[1])
if existing then
  local t = token(existing)
  if t then
    settle(t, set)
    if t.s == 'W' or t.s == 'A' then return view(t) end
  end
end
if set.state == 'CLOSED' then return 'QUEUE_CLOSED' end
if waiting() >= set.maxWaiting then return 'QUEUE_FULL' end
local t = { id = ARGV[2], v = ARGV[3], u = ARGV[1], e = now }
redis.call('HSET', P .. ':t:' .. t.id, 'v', t.v, 'u', t.u, 'e', now)
redis.call('HSET', P .. ':users', t.u, t.id)
append(t, '0')
add('entered', 1)
return view(t)
