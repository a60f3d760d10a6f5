-- Reads values of a cache. The first reader to miss a value gets its lease, to load and fill it.
-- KEYS[1] the cache's prefix
-- ARGV    a random token of the reader, how long a lease lasts in milliseconds, keys
-- result  the cache's generation, then for each key: its value; 1 (leased to the reader); 0 (leased to another)
local P = KEYS[1]
local generation = redis.call('GET', P .. ':generation') or '0'
local answer, hits, misses = { tonumber(generation) }, 0, 0
for i = 3, #ARGV do
  local key = P .. ':' .. generation .. ':' .. ARGV[i]
  local value = redis.call('GET', key)
  if value then
    hits = hits + 1
    answer[#answer + 1] = value
  else
    local lease = key .. ':lease'
    redis.call('SET', lease, ARGV[1], 'NX', 'PX', ARGV[2])
    local isMine = redis.call('GET', lease) == ARGV[1]
    if isMine then misses = misses + 1 end
    answer[#answer + 1] = isMine and 1 or 0
  end
end
if hits > 0 then redis.call('HINCRBY', P .. ':counts', 'hits', hits) end
if misses > 0 then redis.call('HINCRBY', P .. ':counts', 'misses', misses) end
return answer
