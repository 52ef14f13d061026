"""The scripts that Redis runs for alerts: who sends one, and which are due.

Their keys stand with the others in `redis_scripts`.
"""

from __future__ import annotations

CLAIM = """
local key, now = ARGV[1], tonumber(ARGV[2])
local hash = 'costspan:notice:' .. key
local known = redis.call('HMGET', hash, 'level', 'state', 'lease', 'rearms')
if known[1] then
  local rearms = tonumber(known[4])
  local free = tonumber(known[1]) < tonumber(ARGV[3])
    or (known[2] == 'claimed' and tonumber(known[3]) <= now)
    or (rearms > 0 and rearms <= now)
  if not free then return 0 end
end
redis.call('HSET', hash, 'level', ARGV[3], 'budget', ARGV[4], 'scope', ARGV[5], 'alert', ARGV[6],
  'state', ARGV[7], 'lease', ARGV[8], 'rearms', ARGV[9], 'at', ARGV[10])
redis.call('ZADD', 'costspan:notices', ARGV[10], key)
redis.call('ZADD', 'costspan:due', ARGV[8], key)
local most = tonumber(ARGV[11])
for _, old in ipairs(redis.call('ZRANGE', 'costspan:notices', 0, -most - 1)) do
  redis.call('DEL', 'costspan:notice:' .. old)
  redis.call('ZREM', 'costspan:notices', old)
  redis.call('ZREM', 'costspan:due', old)
end
return 1
"""

MARK = """
local key, state = ARGV[1], ARGV[3]
local hash = 'costspan:notice:' .. key
if redis.call('HGET', hash, 'level') ~= ARGV[2] then return 0 end
redis.call('HSET', hash, 'state', state)
local rearms = redis.call('HGET', hash, 'rearms')
if state == 'sent' and rearms ~= '0' then redis.call('ZADD', 'costspan:due', rearms, key)
elseif state ~= 'claimed' then redis.call('ZREM', 'costspan:due', key) end
return 1
"""

NOTICES = """
local keys
if ARGV[1] == 'due' then keys = redis.call('ZRANGEBYSCORE', 'costspan:due', '-inf', ARGV[2])
else keys = redis.call('ZREVRANGE', 'costspan:notices', 0, tonumber(ARGV[2]) - 1) end
local found = {}
for i, key in ipairs(keys) do
  found[i] = redis.call('HMGET', 'costspan:notice:' .. key, 'level', 'budget', 'scope', 'alert',
    'state', 'lease', 'rearms', 'at')
  table.insert(found[i], 1, key)
end
return found
"""
