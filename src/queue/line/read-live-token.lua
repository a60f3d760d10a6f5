-- Reads the live token of a user in this queue.
-- KEYS[1] the queue's prefix
-- ARGV    user id, 1 when the holder asks, who is then noted as present
-- result  a view, or nil when the user has no live token
-- include: line
-- include: token
-- include: note-here
local id = liveTokenOf(ARGV[1])
local t = id and token(id)
if not t then return nil end
settle(t)
if t.s ~= 'W' and t.s ~= 'A' then return nil end
if ARGV[2] == '1' then noteHere(t) end
return view(t)
