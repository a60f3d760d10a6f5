-- Keeps values that were loaded under leases, and ends the leases. Keys whose lease another reader has by now are ignored.
-- KEYS[1] the cache's prefix
-- ARGV    the generation that was read, the reader's token, how long to keep values in milliseconds,
--         then by pairs: key, value ('' for none, which is not kept)
-- result  how many were kept; values of an older generation are never read and expire
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
