-- Gives back serials that were handed out and not confirmed; another's are left alone.
-- KEYS[1] the coupon's prefix
-- ARGV    by pairs: user, serial
-- result  1
-- include: serials
for i = 1, #ARGV, 2 do
  if redis.call('HGET', P .. ':holders', ARGV[i + 1]) == ARGV[i] then give_back(ARGV[i + 1]) end
end
return 1
