-- Reads the entries of the stream after an id.
-- KEYS[1] the stream
-- ARGV    id, or '' to begin at the end of the stream; most entries
-- result  {entries added since the stream exists, last id, events as JSON ...}; {0, '0-0'} when there is no stream
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, '0-0'} end
local info, added, last = redis.call('XINFO', 'STREAM', KEYS[1]), 0, '0-0'
for i = 1, #info, 2 do
  if info[i] == 'entries-added' then added = info[i + 1] end
  if info[i] == 'last-generated-id' then last = info[i + 1] end
end
local result = {added, last}
if ARGV[1] == '' then return result end
local entries = redis.call('XREVRANGE', KEYS[1], '+', '(' .. ARGV[1], 'COUNT', ARGV[2])
for i = #entries, 1, -1 do table.insert(result, entries[i][2][2] or '') end
return result
