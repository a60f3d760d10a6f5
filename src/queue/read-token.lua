-- One token as it is now.
-- KEYS[1] the queue's prefix
-- ARGV    token id
-- result  a view, or nil when there is none
-- include: line
local t = token(ARGV[1])
if not t then return nil end
local set = settings()
if set then settle(t, set) end
return view(t)
