-- Reads tokens, and notes that their holders are present.
-- KEYS[1] the queue's prefix
-- ARGV    token ids
-- result  for each id a view, or false when there is no such token
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
