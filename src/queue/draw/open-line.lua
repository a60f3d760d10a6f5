-- Opens a sealed queue once every entry is in the line as drawn.
-- KEYS[1] the queue's prefix
-- ARGV    a random epoch: every token has another number now, so that replicas must begin anew
-- result  1 when it is open (now or before), 0 when entries are still to be written or the settings to be applied
-- include: ../line/line
-- include: ../line/invalidate
if not set or set.phase ~= 'sealed' then return 1 end
if set.state == 'SCHEDULED' then return 0 end
for _, lane in ipairs(lanes) do
  if count('written:' .. lane) < count('drawn:' .. lane) then return 0 end
end
redis.call('HDEL', P .. ':settings', 'phase')
redis.call('HSET', P .. ':meta', 'epoch', ARGV[1], 'due', 1)
for _, lane in ipairs(lanes) do redis.call('UNLINK', P .. ':sealed:' .. lane, P .. ':unsealed:' .. lane) end
drawing = false
if set.state == 'CLOSED' then closeLines() end
invalidate('')
return 1
