-- Notes who has which serials of a coupon, as the rows say: whoever else was to have one of them is not any more, and
-- another serial that such a user was to have goes back.
-- KEYS[1] the coupon's prefix
-- ARGV    by pairs: user, serial
-- result  1
-- include: serials
local upcoming = tonumber(redis.call('HGET', P .. ':meta', 'n'))
for i = 1, #ARGV, 2 do
  local user, serial = ARGV[i], ARGV[i + 1]
  local other = redis.call('HGET', P .. ':users', user)
  if other and other ~= serial and redis.call('HGET', P .. ':holders', other) == user then give_back(other) end
  take_away(serial)
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
