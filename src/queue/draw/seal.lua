-- Seals the entries of a SCHEDULED queue whose time has come: moves them from the line to lists of their own. Once drawn,
-- they get numbers behind all that were given out, so that no number has two meanings; later entries get numbers behind
-- theirs.
--   :sealed:<l>  list  ids in the order in which they entered
--   :unsealed:<l> zset numbers (places in that list) that had left before the sealing
--   meta, per lane: sealed (numbers given out before), drawn (how many are to be drawn), written (how many are in the line
--   already, from the last on), early (how many left after the sealing and are not written)
-- KEYS[1] the queue's prefix
-- result  for each lane its digit, the length of its list, and how many are to be drawn; 1 when the queue is open
--         already, 0 when it is not yet time
-- include: ../line/line
if not set then return 0 end
if not drawing then return 1 end
if set.phase == 'scheduled' then
  -- Settings that are no longer SCHEDULED mean that this Redis has lost its last moments.
  if set.state == 'SCHEDULED' and now < set.openAt then return 0 end
  for _, lane in ipairs(lanes) do
    local tail = line(lane)
    local entrants = waitingIn(lane)
    if redis.call('EXISTS', P .. ':line:' .. lane) == 1 then redis.call('RENAME', P .. ':line:' .. lane, P .. ':sealed:' .. lane) end
    if redis.call('EXISTS', P .. ':gone:' .. lane) == 1 then redis.call('RENAME', P .. ':gone:' .. lane, P .. ':unsealed:' .. lane) end
    redis.call('HSET', P .. ':meta', 'sealed:' .. lane, tail, 'drawn:' .. lane, entrants, 'written:' .. lane, 0,
      'early:' .. lane, 0, 'tail:' .. lane, tail + entrants, 'head:' .. lane, tail, 'popped:' .. lane, tail)
  end
  redis.call('DEL', P .. ':left')
  redis.call('HSET', P .. ':meta', 'due', 1)
  redis.call('HSET', P .. ':settings', 'phase', 'sealed')
end
local sealed = {}
for _, lane in ipairs(lanes) do
  sealed[#sealed + 1] = { lane, count('sealed:' .. lane), count('drawn:' .. lane) }
end
return sealed
