-- Ends a token as LEFT. A token that has ended is not changed.
-- KEYS[1] the queue's prefix
-- ARGV    token id, user id
-- result  a view, or nil when the user has no such token
-- include: line
-- include: token
-- include: invalidate
local t = token(ARGV[1])
if not t or t.u ~= ARGV[2] then return nil end
settle(t)
if t.s == 'W' or t.s == 'A' then
  finish(t, 'L', 'LEFT')
  add('left', 1)
  invalidate(t.id, t.vacated)
end
return view(t)
