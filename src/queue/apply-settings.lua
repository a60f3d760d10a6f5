-- Takes the settings of a queue unless it has newer ones, and closes the line when they say CLOSED.
-- KEYS[1] the queue's prefix
-- ARGV    version, state, capacity, admitPerMinute or '', activeMs, maxWaiting, reenter (1 or 0), a random epoch
-- result  1 when taken, 0 when it had the same or a higher version
-- include: line
local before = tonumber(redis.call('HGET', P .. ':settings', 'version') or 0)
redis.call('HSETNX', P .. ':meta', 'epoch', ARGV[8])
redis.call('HSETNX', P .. ':meta', 'openedAt', now)
if tonumber(ARGV[1]) <= before then return 0 end
redis.call('HSET', P .. ':settings', 'version', ARGV[1], 'state', ARGV[2], 'capacity', ARGV[3], 'admitPerMinute', ARGV[4],
  'activeMs', ARGV[5], 'maxWaiting', ARGV[6], 'reenter', ARGV[7])
if ARGV[2] == 'CLOSED' then
  for _, lane in ipairs(LANES) do
    add('expired', waitingIn(lane))
    redis.call('HSET', P .. ':meta', 'head:' .. lane, (line(lane)))
    redis.call('DEL', P .. ':gone:' .. lane)
  end
end
redis.call('HSET', P .. ':meta', 'due', 1)
return 1
