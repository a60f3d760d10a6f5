-- The message of a tick, for every process. `departed` is lane -> numbers that left since the last message; `ids` the tokens changed since then.
local function message(seq, departed, ids, resync)
  local heads, tails = {}, {}
  for _, lane in ipairs(lanes) do tails[lane], heads[lane] = line(lane) end
  local errors = {}
  for _, entry in ipairs(redis.call('LRANGE', P .. ':errors', 0, -1)) do
    local at, off = entry:match('^(%d+):(%d+)$')
    if tonumber(at) > now - 300000 then errors[#errors + 1] = tonumber(off) end
  end
  table.sort(errors)
  return {
    epoch = meta('epoch'), seq = seq, at = now, resync = resync,
    state = drawing and 'SCHEDULED' or (set and set.state), openAt = drawing and set.openAt or 0,
    awayMs = set and set.awayMs or 0, settings = set and set.version or 0,
    heads = heads, tails = tails, departed = departed, changed = ids,
    waiting = waiting(), active = redis.call('ZCARD', P .. ':active'),
    entered = count('entered'), admitted = count('admitted'), completed = count('completed'), expired = count('expired'),
    left = count('left'), admittedPerMinute = admittedLastMinute(), msPerPlace = count('pace'),
    etaErrorMs = #errors > 0 and errors[math.floor((#errors + 1) / 2)] or -1,
  }
end
