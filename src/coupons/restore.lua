-- Begins to hand out a coupon, after its rows were noted; where that has begun already nothing is changed.
-- KEYS[1] the coupon's prefix
-- ARGV    how many there are, the next serial, then serials below it that nobody has
-- result  1
-- include: serials
if redis.call('EXISTS', P .. ':meta') == 1 then return 1 end
redis.call('HSET', P .. ':meta', 'q', ARGV[1], 'n', ARGV[2])
for i = 3, #ARGV do
  if not redis.call('ZSCORE', P .. ':pending', ARGV[i]) then redis.call('ZADD', P .. ':free', ARGV[i], ARGV[i]) end
end
keep_a_week()
return 1
