-- The holder of a token that waits is here, now and not only with the next report: the turn may come before that.
-- Out of reach (presence.lua), and before a draw, nothing is kept.
local function noteHere(t)
  if t.s ~= 'W' or drawing then return end
  local key = P .. ':seen:' .. t.l
  if redis.call('HEXISTS', key, t.n) == 1 then redis.call('HSET', key, t.n, count('clock')) end
end
