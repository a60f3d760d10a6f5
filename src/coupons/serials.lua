-- What the scripts of a coupon share. Under the coupon's prefix P, which is KEYS[1]:
--   meta     q how many there are, n the next serial that nobody was given yet; missing: to be rebuilt from the rows
--   users    user -> serial, confirmed or not
--   pending  serials handed out and not yet confirmed, by the end of their lease
--   holders  serial -> user, of those
--   free     serials given back, lowest first
local P = KEYS[1]

-- The serial that a user was handed and that is not confirmed.
local function serial_held_by(user)
  local serial = redis.call('HGET', P .. ':users', user)
  if serial and redis.call('HGET', P .. ':holders', serial) == user then return serial end
end

-- Takes a serial from the user who was to have it.
local function take_away(serial)
  local user = redis.call('HGET', P .. ':holders', serial)
  redis.call('ZREM', P .. ':pending', serial)
  redis.call('HDEL', P .. ':holders', serial)
  if user and redis.call('HGET', P .. ':users', user) == serial then redis.call('HDEL', P .. ':users', user) end
end

local function lend(user, serial, lease_end)
  redis.call('HSET', P .. ':users', user, serial)
  redis.call('HSET', P .. ':holders', serial, user)
  redis.call('ZADD', P .. ':pending', lease_end, serial)
end

local function give_back(serial)
  take_away(serial)
  redis.call('ZADD', P .. ':free', serial, serial)
end

-- What nobody asks for any more ends by itself, and can be rebuilt.
local function keep_a_week()
  for _, name in ipairs({ 'meta', 'users', 'pending', 'holders', 'free' }) do
    redis.call('PEXPIRE', P .. ':' .. name, 604800000)
  end
end
