-- Publishes at once, for reads before the next message, that the token has changed, and the number that it gave up if any.
-- The id '' invalidates every token of the queue.
local function invalidate(id, vacated)
  local lane, number = unpack(vacated or {})
  redis.call('PUBLISH', 'onsale:queue:' .. P:sub(4, -2),
    cjson.encode({ invalidates = id, at = now, lane = lane, number = number }))
end
