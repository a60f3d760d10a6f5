-- For how long nobody was admitted though the queue is OPEN, capacity is free and people wait.
-- KEYS[1] the queue's prefix
-- result  milliseconds; 0 when there is nobody to admit, or somebody was admitted since the last call
-- include: line
local free = set and set.state == 'OPEN' and not drawing and set.admitPerMinute ~= 0
  and set.capacity > redis.call('ZCARD', P .. ':active') and waiting() > 0
if not free then
  redis.call('DEL', P .. ':stuck')
  return 0
end
local admitted = count('admitted')
local known = redis.call('HMGET', P .. ':stuck', 'admitted', 'since')
-- A clock that was set back begins anew.
if tonumber(known[1]) == admitted and tonumber(known[2]) <= now then return now - tonumber(known[2]) end
redis.call('HSET', P .. ':stuck', 'admitted', admitted, 'since', now)
redis.call('PEXPIRE', P .. ':stuck', 86400000)
return 0
