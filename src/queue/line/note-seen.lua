-- Notes when a process last saw holders. Numbers out of reach (presence.lua), and those off the line, are ignored.
-- KEYS[1] the queue's prefix
-- ARGV    lane, then for each holder its number and how many ms ago it was seen
-- result  how many numbers were seen later than noted before
-- include: line
local key = P .. ':seen:' .. ARGV[1]
local at = count('clock')
local numbers = {}
for i = 2, #ARGV, 2 do numbers[#numbers + 1] = ARGV[i] end
local known = redis.call('HMGET', key, unpack(numbers))
local newer = {}
for i, number in ipairs(numbers) do
  local seen = at - tonumber(ARGV[2 * i + 1])
  if known[i] and seen > tonumber(known[i]) then
    newer[#newer + 1] = number
    newer[#newer + 1] = seen
  end
end
if #newer > 0 then redis.call('HSET', key, unpack(newer)) end
return #newer / 2
