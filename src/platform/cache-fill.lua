-- Keeps values that were loaded under leases, and ends the leases; one that somebody else has by now is left alone.
-- KEYS[1] the cache's prefix
-- ARGV    the generation that was read, the reader's token, how long to keep values in milliseconds,
--         then by pairs: key, value ('' for none, which is not kept)
-- result  how many were kept; what belongs to a generation that is over is never read again, and ends by itself
local P = KEYS[1]
local kept = 0
for i = 4, #ARGV, 2 do
  local key = P .. ':' .. ARGV[1] .. ':' .. ARGV[i]
  if redis.call('GET', key .. ':lease') == ARGV[2] then
    redis.call('DEL', key .. ':lease')
    if ARGV[i + 1] ~= '' then
      redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[3])
      kept = kept + 1
    end
  end
end
return kept
