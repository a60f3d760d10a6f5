-- Extends an ACTIVE token to the end of a hold, up to a bound after its first end.
-- KEYS[1] the queue's prefix
-- ARGV    token id, ms that the hold still lasts, the longest extension past the first end in ms
-- result  1 when the token is ACTIVE, else 0
-- include: line
-- include: token
local t = token(ARGV[1])
if not t or t.s ~= 'A' or now >= t.x then return 0 end
local until_ = math.min(now + tonumber(ARGV[2]), t.y + tonumber(ARGV[3]))
if until_ > t.x then
  redis.call('HSET', P .. ':t:' .. t.id, 'x', until_)
  redis.call('ZADD', P .. ':active', until_, t.id)
  changed(t.id)
end
return 1
