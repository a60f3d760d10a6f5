-- Gives back what users were handed and was not confirmed; what was confirmed is left alone.
-- KEYS[1] the coupon's prefix
-- ARGV    users
-- result  1
-- include: serials
for _, user in ipairs(ARGV) do
  local serial = serial_held_by(user)
  if serial then give_back(serial) end
end
return 1
