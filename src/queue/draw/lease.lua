-- Takes, renews or gives back the lease of a queue.
-- KEYS[1] the queue's prefix
-- ARGV    owner, ms that it lasts (0: gives it back)
-- result  1 when the owner has it, or had it; 0 when another has it
local key = KEYS[1] .. ':lease'
local owner = redis.call('GET', key)
if owner and owner ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', key) else redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return 1
