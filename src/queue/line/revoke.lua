-- Ends a user's live token as EXPIRED (REVOKED).
-- KEYS[1] the queue's prefix
-- ARGV    user id
-- result  a view, or nil when the user has no live token
-- include: line
-- include: token
-- include: invalidate
local id = liveTokenOf(ARGV[1])
local t = id and token(id)
if not t then return nil end
settle(t)
if t.s ~= 'W' and t.s ~= 'A' then return nil end
finish(t, 'E', 'REVOKED')
add('expired', 1)
invalidate(t.id, t.vacated)
return view(t)
