-- Claims the right to raise a built-in alert, and counts what it is about.
-- KEYS[1] the alert's key; <key>:held has how often it came without being raised
-- ARGV    how often it came, ms during which nobody else may raise it
-- result  how often it came since it was raised last; 0 when it may not be raised now
local held = redis.call('INCRBY', KEYS[1] .. ':held', ARGV[1])
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[2]) then
  redis.call('DEL', KEYS[1] .. ':held')
  return held
end
redis.call('PEXPIRE', KEYS[1] .. ':held', 86400000)
return 0
