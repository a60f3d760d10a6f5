-- Tells every process at once, for those who ask before the next message: the token is another one now, and perhaps gave
-- up a number. The id '' means that any may be.
local function hint(id, vacated)
  local lane, number = unpack(vacated or {})
  redis.call('PUBLISH', 'onsale:ticks:' .. P:sub(4, -2), cjson.encode({ hint = id, at = now, lane = lane, number = number }))
end
