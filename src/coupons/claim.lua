-- Hands out serials of a coupon, each under a lease: what is not confirmed in time goes to the next to ask.
-- KEYS[1] the coupon's prefix
-- ARGV    how long a lease lasts, and how long a confirmation may well be on its way, both in milliseconds; then users in
--         the order of asking
-- result  'UNKNOWN', or for each user: a serial to confirm (asked for again, the same one); 0 all are confirmed for
--         others, or left to their leases; -1 all are handed out, some a moment ago; -2 the user has one
-- include: serials
local meta = redis.call('HMGET', P .. ':meta', 'q', 'n')
if not meta[1] then return 'UNKNOWN' end
local quantity, upcoming = tonumber(meta[1]), tonumber(meta[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, serial in ipairs(redis.call('ZRANGEBYSCORE', P .. ':pending', '-inf', now)) do give_back(serial) end

local function next_serial()
  local given_back = redis.call('ZPOPMIN', P .. ':free')
  if given_back[1] then return given_back[1] end
  if upcoming > quantity then return nil end
  upcoming = upcoming + 1
  return tostring(upcoming - 1)
end

local function serial_for(user)
  local serial = redis.call('HGET', P .. ':users', user)
  if serial and redis.call('HGET', P .. ':holders', serial) ~= user then return -2 end
  serial = serial or next_serial()
  if not serial then
    local fresh = redis.call('ZCOUNT', P .. ':pending', now + ARGV[1] - ARGV[2], '+inf')
    return fresh > 0 and -1 or 0
  end
  lend(user, serial, now + ARGV[1])
  return tonumber(serial)
end

local answer = {}
for i = 3, #ARGV do answer[#answer + 1] = serial_for(ARGV[i]) end
redis.call('HSET', P .. ':meta', 'n', upcoming)
keep_a_week()
return answer
