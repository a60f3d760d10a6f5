-- Tokens as they are now, for their holders, who are here thereby.
-- KEYS[1] the queue's prefix
-- ARGV    token ids
-- result  for each a view, or false when there is none
-- include: line
-- include: token
-- include: note-here
local views = {}
for i, id in ipairs(ARGV) do
  local t = token(id)
  if t then
    settle(t)
    noteHere(t)
  end
  views[i] = t and view(t) or false
end
return views
