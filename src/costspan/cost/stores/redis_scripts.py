"""The scripts that Redis runs, one for each operation, so that each is one step and one command.

Numbers in Lua are doubles, exact up to 2^53 only. What is added goes through HINCRBY, which is
exact in 64 bits; what is compared is taken apart into two halves, `hi` millions and `lo`.

Keys, with B and S for the budget and the scope:
    costspan:version            of this layout
    costspan:settled:TOKEN      was counted; kept for a day
    costspan:reserved:TOKEN     hash: `BUCKET:["B","S"]` -> amount
    costspan:held:["B","S"]     hash: `BUCKET:TOKEN` -> `EXPIRES:AMOUNT`
    costspan:spent:["B","S"]    hash: `BUCKET` -> amount, `until:BUCKET` -> moment
    costspan:buckets:["B","S"]  sorted set of buckets
    costspan:scopes:["B"]       sorted set of `["B","S"]` by the moment when it may go
    costspan:entries            list: settled calls that are not in the sums yet
    costspan:sums:DIM:NUMBER    hash: key -> number of the sums; NUMBER as in `entries.STATS`
    costspan:dimensions         set of DIM
    costspan:notice:KEY         hash: one alert
    costspan:notices            sorted set of KEY by moment
    costspan:budgets            hash: B -> how it describes itself
    costspan:due                sorted set of KEY by the moment when it is due
"""

from __future__ import annotations

VERSION = 1

_EXACT = """
local function parts(text)
  local sign, digits = string.match(text, '^(-?)(%d+)$')
  local hi = tonumber(string.sub(digits, 1, -7)) or 0
  local lo = tonumber(string.sub(digits, -6))
  if sign == '-' then return -hi, -lo end
  return hi, lo
end
local function normal(hi, lo)
  local carry = math.floor(lo / 1000000)
  return hi + carry, lo - carry * 1000000
end
local function text(hi, lo)
  return string.format('%.0f', hi) .. ' ' .. string.format('%.0f', lo)
end
local function spent(counter, since)
  local hi, lo = 0, 0
  local buckets = redis.call('ZRANGEBYSCORE', 'costspan:buckets:' .. counter, since, '+inf')
  for _, bucket in ipairs(buckets) do
    local amount = redis.call('HGET', 'costspan:spent:' .. counter, bucket)
    if amount then
      local more, less = parts(amount)
      hi, lo = hi + more, lo + less
    end
  end
  return normal(hi, lo)
end
local function held(counter, since, now)
  local hi, lo = 0, 0
  local all = redis.call('HGETALL', 'costspan:held:' .. counter)
  for i = 1, #all, 2 do
    local bucket = tonumber(string.match(all[i], '^(-?%d+):'))
    local expires, amount = string.match(all[i + 1], '^(-?%d+):(-?%d+)$')
    if tonumber(expires) < now - 7200000 then
      redis.call('HDEL', 'costspan:held:' .. counter, all[i])
    elseif tonumber(expires) > now and bucket >= since then
      local more, less = parts(amount)
      hi, lo = hi + more, lo + less
    end
  end
  return normal(hi, lo)
end
local function release(token, before)
  local key = 'costspan:reserved:' .. token
  for _, place in ipairs(redis.call('HKEYS', key)) do
    local bucket, counter = string.match(place, '^(-?%d+):(.*)$')
    local hash, field = 'costspan:held:' .. counter, bucket .. ':' .. token
    local live = before and redis.call('HGET', hash, field)
    if not (live and tonumber(string.match(live, '^(-?%d+):')) > before) then
      redis.call('HDEL', hash, field)
      redis.call('HDEL', key, place)
    end
  end
end
local DAY = 86400
"""

SETTLE = (
    _EXACT
    + """
local entry = cjson.decode(ARGV[1])
local token, at = entry.token, tonumber(entry.at)
local waiting = 0
if redis.call('SET', 'costspan:settled:' .. token, '1', 'NX', 'EX', DAY) then
  waiting = redis.call('RPUSH', 'costspan:entries', ARGV[2])
  for _, charge in ipairs(entry.charges) do
    local counter, bucket, until_ = charge[2], charge[3], charge[5]
    local hash, order = 'costspan:spent:' .. counter, 'costspan:buckets:' .. counter
    redis.call('HINCRBY', hash, bucket, charge[6])
    redis.call('HSET', hash, 'until:' .. bucket, until_)
    redis.call('ZADD', order, bucket, bucket)
    local gone = at - 7200000
    for _, old in ipairs(redis.call('ZRANGE', order, 0, 99)) do
      local moment = tonumber(redis.call('HGET', hash, 'until:' .. old) or '0')
      if moment == 0 or moment >= gone then break end
      redis.call('ZREM', order, old)
      redis.call('HDEL', hash, old, 'until:' .. old)
    end
    local forget = tonumber(until_)
    if forget > 0 then forget = forget + DAY * 1000
    elseif charge[7] then forget = at + 30 * DAY * 1000 end
    local scopes = 'costspan:scopes:' .. charge[1]
    if forget > 0 then
      local seconds = math.max(DAY, math.ceil((forget - at) / 1000))
      redis.call('EXPIRE', hash, seconds)
      redis.call('EXPIRE', order, seconds)
      redis.call('ZADD', scopes, 'GT', forget, counter)
    else
      redis.call('PERSIST', hash)
      redis.call('PERSIST', order)
      redis.call('ZADD', scopes, '+inf', counter)
    end
    redis.call('ZREMRANGEBYSCORE', scopes, '-inf', gone)
  end
end
release(token)
local answer = {waiting}
for i, charge in ipairs(entry.charges) do
  answer[i + 1] = text(spent(charge[2], tonumber(charge[4])))
end
return answer
"""
)

# What one call adds is small enough for a double, and so is what a hundred of them add.
FOLD = """
local most, other = tonumber(ARGV[1]), ARGV[2]
local entries = redis.call('LPOP', 'costspan:entries', ARGV[3])
if not entries then return 0 end
local rows, order = {}, {}
local function add(dimension, key, amounts)
  local name = cjson.encode({dimension, key})
  local row = rows[name]
  if not row then
    row = {dimension = dimension, key = key, amounts = {}}
    rows[name] = row
    table.insert(order, row)
  end
  for i, amount in ipairs(amounts) do row.amounts[i] = (row.amounts[i] or 0) + amount end
end
for _, entry in ipairs(entries) do
  local places, amounts = unpack(cjson.decode(entry))
  add('total', '', amounts)
  for _, place in ipairs(places) do add(place[1], place[2], amounts) end
end
local function has_room(dimension, first)
  return string.sub(dimension, 1, 4) ~= 'tag:' or redis.call('EXISTS', first) == 1
    or redis.call('SCARD', 'costspan:dimensions') < most
end
for _, row in ipairs(order) do
  local key, sums = row.key, 'costspan:sums:' .. row.dimension .. ':'
  if has_room(row.dimension, sums .. 0) then
    if redis.call('HEXISTS', sums .. 0, key) == 0 then
      redis.call('SADD', 'costspan:dimensions', row.dimension)
      if redis.call('HLEN', sums .. 0) >= most then key = other end
      redis.call('HINCRBY', sums .. 0, key, 0)
    end
    for i, amount in ipairs(row.amounts) do
      if amount ~= 0 then
        redis.call('HINCRBY', sums .. (i - 1), key, string.format('%.0f', amount))
      end
    end
  end
end
return #entries
"""

RESERVE = (
    _EXACT
    + """
local entry = cjson.decode(ARGV[1])
local token, now, expires = entry.token, tonumber(entry.now), tonumber(entry.expires)
release(token, now)
for i, claim in ipairs(entry.claims) do
  local since = tonumber(claim[4])
  local spent_hi, spent_lo = spent(claim[2], since)
  local held_hi, held_lo = held(claim[2], since, now)
  local hi, lo = parts(claim[5])
  hi, lo = normal(spent_hi + held_hi + hi, spent_lo + held_lo + lo)
  local most_hi, most_lo = normal(parts(claim[6]))
  if hi > most_hi or (hi == most_hi and lo > most_lo) then
    return {i, text(spent_hi, spent_lo), text(held_hi, held_lo)}
  end
end
local key = 'costspan:reserved:' .. token
for _, place in ipairs(redis.call('HKEYS', key)) do
  local bucket, counter = string.match(place, '^(-?%d+):(.*)$')
  local hash, field = 'costspan:held:' .. counter, bucket .. ':' .. token
  local known = redis.call('HGET', hash, field)
  if known then expires = math.max(expires, tonumber(string.match(known, '^(-?%d+):'))) end
end
for _, claim in ipairs(entry.claims) do
  redis.call('HINCRBY', key, claim[3] .. ':' .. claim[2], claim[5])
end
local seconds = math.max(DAY, math.ceil((expires - now) / 1000) + DAY)
redis.call('EXPIRE', key, seconds)
for _, claim in ipairs(entry.claims) do
  redis.call('ZADD', 'costspan:scopes:' .. claim[1], 'GT', expires + DAY * 1000, claim[2])
end
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local bucket, counter = string.match(all[i], '^(-?%d+):(.*)$')
  local hash = 'costspan:held:' .. counter
  redis.call('HSET', hash, bucket .. ':' .. token, string.format('%.0f:', expires) .. all[i + 1])
  if redis.call('TTL', hash) < seconds then redis.call('EXPIRE', hash, seconds) end
end
return false
"""
)

PROLONG = """
local token, expires = ARGV[1], ARGV[2]
local key = 'costspan:reserved:' .. token
for _, place in ipairs(redis.call('HKEYS', key)) do
  local bucket, counter = string.match(place, '^(-?%d+):(.*)$')
  local hash, field = 'costspan:held:' .. counter, bucket .. ':' .. token
  local known = redis.call('HGET', hash, field)
  if known then
    redis.call('HSET', hash, field, expires .. ':' .. string.match(known, ':(.*)$'))
    redis.call('EXPIRE', hash, ARGV[3])
  end
end
redis.call('EXPIRE', key, ARGV[3])
return false
"""

STANDINGS = (
    _EXACT
    + """
local entry = cjson.decode(ARGV[1])
local found = {}
for i, counter in ipairs(entry.counters) do
  local since = tonumber(counter[2])
  found[2 * i - 1] = text(spent(counter[1], since))
  found[2 * i] = text(held(counter[1], since, tonumber(entry.now)))
end
return found
"""
)

RESET = """
local entry = cjson.decode(ARGV[1])
local scopes = 'costspan:scopes:' .. entry.budget
local counters = entry.counters or redis.call('ZRANGE', scopes, 0, -1)
local count = 0
for _, counter in ipairs(counters) do
  local gone = redis.call('DEL', 'costspan:spent:' .. counter, 'costspan:held:' .. counter)
  redis.call('DEL', 'costspan:buckets:' .. counter)
  redis.call('ZREM', scopes, counter)
  if gone > 0 then count = count + 1 end
end
for _, key in ipairs(redis.call('ZRANGE', 'costspan:notices', 0, -1)) do
  local known = redis.call('HMGET', 'costspan:notice:' .. key, 'budget', 'scope')
  if known[1] == entry.name and (not entry.counters or known[2] == entry.scope) then
    redis.call('DEL', 'costspan:notice:' .. key)
    redis.call('ZREM', 'costspan:notices', key)
    redis.call('ZREM', 'costspan:due', key)
  end
end
return count
"""
