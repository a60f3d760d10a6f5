-- Gives a user a place at the back of a lane, or the user's live token; one that waits in a lower lane moves to the lane.
-- KEYS[1] the queue's prefix
-- ARGV    user id, id and secret of a new token, lane
-- result  a view; or 'UNKNOWN' (no settings here), 'QUEUE_CLOSED', 'QUEUE_FULL'
-- include: line
-- include: token
-- include: invalidate
-- include: note-here
if not set then return 'UNKNOWN' end
local lane = ARGV[4]
local existing = liveTokenOf(ARGV[1])
if existing then
  local t = token(existing)
  if t then
    settle(t)
    if t.s == 'W' and lane > t.l then
      vacate(t)
      append(t, lane)
      changed(t.id)
      -- Without the number given up: the next message tells it together with the new one.
      invalidate(t.id)
    end
    noteHere(t)
    if t.s == 'W' or t.s == 'A' then return view(t) end
  end
end
if set.state == 'CLOSED' then return 'QUEUE_CLOSED' end
if waiting() >= set.maxWaiting then return 'QUEUE_FULL' end
local t = { id = ARGV[2], v = ARGV[3], u = ARGV[1], e = now }
setLive(t.u, t.id)
append(t, lane)
add('entered', 1)
return view(t)
