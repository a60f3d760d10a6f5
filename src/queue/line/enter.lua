-- Gives a user a place at the back of a lane, or the user's live token; one that waits in a lower lane moves to the lane.
-- KEYS[1] the queue's prefix
-- ARGV    user id, id and secret of a new token, lane
-- result  a view; or 'UNKNOWN' (no settings here), 'QUEUE_CLOSED', 'QUEUE_FULL', or the ms after which to ask again when
--         entriesPerMinute leaves no room
-- include: line
-- include: token
-- include: invalidate
-- include: note-here
-- Longest time after which the next is told to ask again, when many have been told so.
local MAX_RETRY_MS = 30000

-- Takes one of the entries that the minute has; returns nil, or the ms after which to ask again when there is none. A
-- second's worth is taken at once at most, the rest at even intervals (virtual scheduling, ITU-T I.371), so that no 60 s
-- have more than entriesPerMinute. Those who find none are told times one interval apart, so that they do not all come
-- back at once.
-- meta: entryAt (when the next entry is due), retryAt (when the next who finds none is to ask again)
local function takeEntry()
  if not set.entriesPerMinute then return nil end
  local burst = math.max(1, math.floor(set.entriesPerMinute / 60))
  local interval = 60000 / (set.entriesPerMinute - burst + 1)
  local depth = (burst - 1) * interval
  local dueAt = tonumber(meta('entryAt') or 0)
  local freeAt = dueAt - depth
  if freeAt <= now then
    redis.call('HSET', P .. ':meta', 'entryAt', math.max(dueAt, now) + interval)
    return nil
  end
  local retryAt = math.max(freeAt, math.min(tonumber(meta('retryAt') or 0), now + MAX_RETRY_MS))
  redis.call('HSET', P .. ':meta', 'retryAt', retryAt + interval)
  return math.ceil(retryAt - now)
end

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
local retryMs = takeEntry()
if retryMs then return retryMs end
local t = { id = ARGV[2], v = ARGV[3], u = ARGV[1], e = now }
setLive(t.u, t.id)
append(t, lane)
add('entered', 1)
return view(t)
