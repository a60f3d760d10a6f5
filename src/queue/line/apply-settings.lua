-- Applies the settings of a queue unless it has newer ones, and closes the line when the state is CLOSED.
-- KEYS[1] the queue's prefix
-- ARGV    version, state, capacity, admitPerMinute or '', activeMs, maxWaiting, reenter (1 or 0), awayMs, ms until a
--         SCHEDULED queue opens, entriesPerMinute or '', a random epoch
-- result  1 when applied, 0 when it had the same or a higher version
-- include: line
-- include: invalidate
redis.call('HSETNX', P .. ':meta', 'epoch', ARGV[11])
if set and tonumber(ARGV[1]) <= set.version then return 0 end
-- Under another rate the entries so far say nothing of when the next is due.
if set and set.entriesPerMinute ~= tonumber(ARGV[10]) then redis.call('HDEL', P .. ':meta', 'entryAt', 'retryAt') end
redis.call('HSET', P .. ':settings', 'version', ARGV[1], 'state', ARGV[2], 'capacity', ARGV[3], 'admitPerMinute', ARGV[4],
  'activeMs', ARGV[5], 'maxWaiting', ARGV[6], 'reenter', ARGV[7], 'awayMs', ARGV[8], 'entriesPerMinute', ARGV[10])
if ARGV[2] == 'SCHEDULED' then
  redis.call('HSET', P .. ':settings', 'openAt', now + tonumber(ARGV[9]))
  redis.call('HSETNX', P .. ':settings', 'phase', 'scheduled')
end
-- Entries that are being drawn are closed when the line opens (open-line.lua).
if ARGV[2] == 'CLOSED' and not (set and set.phase == 'sealed') then
  closeLines()
  redis.call('HDEL', P .. ':settings', 'phase')
  invalidate('')
end
redis.call('HSET', P .. ':meta', 'due', 1)
return 1
