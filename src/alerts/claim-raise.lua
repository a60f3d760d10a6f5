-- Claims the right to raise a built-in alert, and counts what it is about.
-- KEYS[1] the alert's key; <key>:held has how often it came without being raised, <key>:next how long it is claimed next
-- ARGV    how often it came; ms during which nobody else may raise it; the most ms, to which those double claim by claim,
--         until it did not come for as long as the first ms: then it begins anew and may be raised at once
-- result  how often it came since it was raised last; 0 when all of that was raised; when it may not be raised now, the
--         ms until it may, below zero
local HELD, NEXT = KEYS[1] .. ':held', KEYS[1] .. ':next'
local held = redis.call('INCRBY', HELD, ARGV[1])
if held == 0 then
  redis.call('DEL', HELD)
  return 0
end
local first, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local claimed = first
if longest > first then
  claimed = tonumber(redis.call('GET', NEXT))
  if not claimed then
    claimed = first
    redis.call('DEL', KEYS[1])
  end
end
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', claimed) then
  redis.call('DEL', HELD)
  if longest > first then redis.call('SET', NEXT, math.min(2 * claimed, longest), 'PX', first) end
  return held
end
redis.call('PEXPIRE', HELD, 86400000)
if longest > first then redis.call('PEXPIRE', NEXT, first) end
return -math.max(redis.call('PTTL', KEYS[1]), 1)
