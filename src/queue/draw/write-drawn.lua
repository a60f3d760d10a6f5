-- Writes the next part of a drawn order into the line, from the last place on; a part that was written before is ignored.
-- KEYS[1] the queue's prefix
-- ARGV    lane, how many were written before, then ids, the last place first
-- result  how many are written now
-- include: ../line/line
-- include: ../line/token
local lane, before = ARGV[1], tonumber(ARGV[2])
local written = count('written:' .. lane)
if set == nil or set.phase ~= 'sealed' or written ~= before then return written end
local sealed = count('sealed:' .. lane)
local last = sealed + count('drawn:' .. lane) - written
local missing = 0
redis.call('LPUSH', P .. ':line:' .. lane, unpack(ARGV, 3))
for i = 3, #ARGV do
  local number = last - (i - 3)
  local t = token(ARGV[i])
  if t and t.s == 'W' and t.l == lane and t.n <= sealed then
    t.n = number
    saveWaiting(t)
  else
    redis.call('ZADD', P .. ':gone:' .. lane, number, number)
    missing = missing + 1
  end
end
if missing > 0 then add('early:' .. lane, -missing) end
return add('written:' .. lane, #ARGV - 2)
