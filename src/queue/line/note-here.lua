-- Notes at once that the holder of a WAITING token is present: the turn may come before the next report. Nothing is kept
-- out of reach (presence.lua) and before a draw.
local function noteHere(t)
  if t.s ~= 'W' or drawing then return end
  t.isHere = true
  local key = P .. ':seen:' .. t.l
  if redis.call('HEXISTS', key, t.n) == 1 then redis.call('HSET', key, t.n, count('clock')) end
end
