-- Ends a token as COMPLETED, because its holder has paid. A token that has ended is not changed.
-- KEYS[1] the queue's prefix
-- ARGV    token id
-- result  1 when the token was live, else 0
-- include: line
-- include: token
-- include: invalidate
local t = token(ARGV[1])
if not t or (t.s ~= 'A' and t.s ~= 'W') then return 0 end
-- A token that went back to the line and was passed by a closing is counted as expired already.
if t.s == 'W' then
  local _, head = line(t.l)
  if t.n <= head then add('expired', -1) end
end
finish(t, 'C', 'PAID')
add('completed', 1)
invalidate(t.id, t.vacated)
return 1
