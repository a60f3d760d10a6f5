-- Notes who has which serials of a coupon, as the rows say. Another serial that such a user was handed goes to whoever was
-- handed this one and is still on the way, under the same lease as before, so that nobody is put out by being overtaken;
-- else it goes back.
-- KEYS[1] the coupon's prefix
-- ARGV    by pairs: user, serial
-- result  1
-- include: serials
local upcoming = tonumber(redis.call('HGET', P .. ':meta', 'n'))
for i = 1, #ARGV, 2 do
  local user, serial = ARGV[i], ARGV[i + 1]
  local other = serial_held_by(user)
  local overtaken = redis.call('HGET', P .. ':holders', serial)
  local lease_end = redis.call('ZSCORE', P .. ':pending', serial)
  take_away(serial)
  if other and other ~= serial then
    give_back(other)
    if overtaken and lease_end then
      redis.call('ZREM', P .. ':free', other)
      lend(overtaken, other, lease_end)
    end
  end
  redis.call('ZREM', P .. ':free', serial)
  redis.call('HSET', P .. ':users', user, serial)
  while upcoming and upcoming <= tonumber(serial) do
    if upcoming < tonumber(serial) then redis.call('ZADD', P .. ':free', upcoming, upcoming) end
    upcoming = upcoming + 1
  end
end
if upcoming then redis.call('HSET', P .. ':meta', 'n', upcoming) end
keep_a_week()
return 1
