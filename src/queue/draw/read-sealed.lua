-- Reads part of the entries of a sealed queue (seal.lua).
-- KEYS[1] the queue's prefix
-- ARGV    lane, first and last place in the list of entries, from 0
-- result  secrets of the entries that had not left before the sealing
-- include: ../line/line
-- include: ../line/token
local first = tonumber(ARGV[2])
local unsealed = P .. ':unsealed:' .. ARGV[1]
local someLeft = redis.call('EXISTS', unsealed) == 1
local secrets = {}
for i, id in ipairs(redis.call('LRANGE', P .. ':sealed:' .. ARGV[1], first, ARGV[3])) do
  if not (someLeft and redis.call('ZSCORE', unsealed, first + i)) then
    local t = token(id)
    secrets[#secrets + 1] = t and t.v or ''
  end
end
return secrets
