-- Claim ids, each by itself. Answers for each: 1 when it is fresh, else the outcome, with the answer that was kept for "done", or an error.
-- KEYS: the ids' keys
-- ARGV: the time (ms; "" asks the server), then for each key: fingerprint, holder, ttl (ms), lease (ms), whether it may be done again ("1")
-- A key holds: fingerprint, holder, expires (ms), lease_ends (ms), and when it is done: true, status, headers, body.
-- Each write is one SET, which a server without memory refuses as a whole. Nothing here raises: what was written before it would stay.
local at = tonumber(ARGV[1])
if not at then
  local time = redis.call('TIME')
  at = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function claim(key, fingerprint, holder, ttl, lease, redo)
  local expires, lease_ends = at + ttl, at + lease
  local set = redis.pcall('SET', key, cmsgpack.pack(fingerprint, holder, expires, lease_ends), 'NX', 'PX', ttl)
  if set then return set.err and set or 1 end
  local kept = redis.pcall('GET', key)
  if type(kept) ~= 'string' then return kept end
  local whole, its_fingerprint, its_holder, its_end, its_lease, done, status, headers, body = pcall(cmsgpack.unpack, kept)
  if not (whole and type(its_holder) == 'string' and type(its_end) == 'number' and type(its_lease) == 'number') then
    return redis.error_reply('DAMAGED not an entry')
  end
  if its_end > at then
    if its_fingerprint ~= fingerprint then return {'mismatch'} end
    if done then return {'done', status or false, headers or false, body or false} end
    if its_holder == holder then return 1 end -- the same claim, sent once more
    if at < its_lease then return {'in-flight'} end
    if redo ~= '1' then return {'unknown'} end
    expires = math.max(expires, its_end)
  end
  -- "%.0f", since Lua would write 1.8e+12.
  set = redis.pcall('SET', key, cmsgpack.pack(fingerprint, holder, expires, lease_ends), 'PX', string.format('%.0f', expires - at))
  return set.err and set or 1
end

local found = {}
for each, key in ipairs(KEYS) do
  local first = 5 * each - 3
  found[each] = claim(key, ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4])
end
return found
