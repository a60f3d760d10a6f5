-- Gives a place up. One that has ended stays as it is.
-- KEYS[1] the queue's prefix
-- ARGV    token id, user id
-- result  a view, or nil when the user has no such token
-- include: line
local t = token(ARGV[1])
if not t or t.u ~= ARGV[2] then return nil end
local set = settings()
if set then settle(t, set) end
if t.s == 'W' or t.s == 'A' then
  finish(t, 'L', 'LEFT')
  add('left', 1)
end
return view(t)
