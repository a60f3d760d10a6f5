-- Releases a lock, or a place in the line for it, and tells the owners in line. Leaves another owner's lock as it is.
-- KEYS[1] the lock
-- ARGV    owner, channel on which the release is published
-- result  1 when the owner had the lock, else 0
redis.call('ZREM', KEYS[1] .. ':line', ARGV[1])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], '1')
return 1
