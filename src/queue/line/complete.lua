-- The holder has paid: the place is used up. One that has ended stays as it is.
-- KEYS[1] the queue's prefix
-- ARGV    token id
-- result  1 when the token was live, else 0
-- include: line
-- include: token
-- include: invalidate
local t = token(ARGV[1])
if not t or (t.s ~= 'A' and t.s ~= 'W') then return 0 end
-- One that went back to the line and was passed by a closing is counted among the expired already.
if t.s == 'W' then
  local _, head = line(t.l)
  if t.n <= head then add('expired', -1) end
end
finish(t, 'C', 'PAID')
add('completed', 1)
invalidate(t.id, t.vacated)
return 1
