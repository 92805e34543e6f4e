/**
 * What Redis runs: one script a decision, so that it is made whole or not at all. Numbers go in and out as text: Lua's are
 * doubles, exact below 2⁵³ (nine million dollars in billionths; above that a sum is off by billionths of a dollar), and its own
 * `tostring` keeps fourteen digits only.
 */
import { createHash } from 'node:crypto';

export interface Script {
  text: string;
  /** By which a server that has seen it knows it. */
  sha: string;
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });

const shared = `
local function text(n) return string.format('%.0f', n) end
-- Lets a key live for so many ms more, and never for less than it had.
local function live(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
`;

/**
 * Which data this is: a server that lost them has another epoch. Writes, so that one that only reads, or is full, counts as away.
 * KEYS epoch · ARGV a new epoch.
 */
export const hello = script(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`);

/**
 * Counts. 'take': all or nothing, noted in the call's record; 'add': whatever the quotas say; 'hold': as 'add', with a record,
 * unless there is one. What the log told stands apart from what was counted, in fields 'r<slot>': told twice, it is there once.
 *
 * KEYS epoch, record, open calls, a count for each ask, a mark for each rule whose past is told (to hold: the calls told
 * again)
 * ARGV mode, epoch, id, lease ms, record's ms, asks, for each (unit, quota, amount, hard, slot, first, ms), ms for each mark
 * Returns lost | ok, index of the refused ask or '', and for each ask: sum, oldest slot, slot whose end gives room, amount.
 */
export const count = script(`${shared}
local mode, id, asks = ARGV[1], ARGV[3], tonumber(ARGV[6])
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return {'lost'} end

local now = redis.call('TIME')
now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)

local function fits(ask, sum)
  if ask.amount == nil then return sum < ask.quota end
  return sum + ask.amount <= ask.quota
end

local function read(ask)
  local slots, by, gone = {}, {}, {}
  local flat = redis.call('HGETALL', ask.key)
  for i = 1, #flat, 2 do
    local slot = tonumber(string.match(flat[i], '%d+'))
    if slot < ask.first then
      gone[#gone + 1] = flat[i]
    else
      if by[slot] == nil then slots[#slots + 1] = slot; by[slot] = 0 end
      by[slot] = by[slot] + tonumber(flat[i + 1])
    end
  end
  if #gone > 0 then redis.call('HDEL', ask.key, unpack(gone)) end
  table.sort(slots)
  return slots, by
end

local function standing(ask)
  if ask.lease then
    redis.call('ZREMRANGEBYSCORE', ask.key, '-inf', now)
    local sum = redis.call('ZCARD', ask.key)
    return {sum = sum, first = sum > 0 and '0' or '', room = sum > 0 and not fits(ask, sum) and '0' or ''}
  end
  local slots, by = read(ask)
  local sum = 0
  for _, slot in ipairs(slots) do sum = sum + by[slot] end
  local left, room = sum, ''
  for _, slot in ipairs(slots) do
    if fits(ask, left) then break end
    left = left - by[slot]
    room = text(slot)
  end
  return {sum = sum, first = slots[1] and text(slots[1]) or '', room = room}
end

local all, standings, refused = {}, {}, nil
for i = 1, asks do
  local from = 6 + (i - 1) * 7
  local ask = {
    key = KEYS[3 + i], unit = ARGV[from + 1], lease = ARGV[from + 1] == 'concurrent', quota = tonumber(ARGV[from + 2]), amount = tonumber(ARGV[from + 3]),
    hard = ARGV[from + 4] == '1', slot = ARGV[from + 5], first = tonumber(ARGV[from + 6]), ms = ARGV[from + 7]
  }
  all[i] = ask
  standings[i] = standing(ask)
  if mode == 'take' and refused == nil and ask.hard and not fits(ask, standings[i].sum) then refused = i end
end

if mode == 'hold' then
  redis.call('SADD', KEYS[asks + 4], id)
  redis.call('PEXPIRE', KEYS[asks + 4], 600000)
else
  for i = asks + 4, #KEYS do redis.call('SET', KEYS[i], '1', 'PX', ARGV[6 + asks * 7 + i - asks - 3]) end
end

local amounts = {}
if refused == nil then
  local noted = mode == 'hold' and redis.call('EXISTS', KEYS[2]) == 1
  for i, ask in ipairs(all) do
    local amount = ask.amount or math.max(0, ask.quota - standings[i].sum)
    amount = math.min(amount, 9007199254740991)
    amounts[i] = amount
    if ask.lease then
      if mode ~= 'add' and amount > 0 then
        redis.call('ZADD', ask.key, now + tonumber(ARGV[4]), id)
        live(ask.key, tonumber(ARGV[4]))
      end
    elseif not noted then
      redis.call('HINCRBY', ask.key, ask.slot, text(amount))
      live(ask.key, tonumber(ask.ms))
      if mode ~= 'add' then
        redis.call('HSET', KEYS[2], ask.key, ask.slot .. ':' .. text(amount) .. ':' .. ask.unit)
        live(KEYS[2], tonumber(ARGV[5]))
        redis.call('SADD', KEYS[3], id)
        live(KEYS[3], tonumber(ARGV[5]))
      end
    end
  end
  for i, ask in ipairs(all) do standings[i] = standing(ask) end
end

local reply = {'ok', refused and text(refused - 1) or ''}
for i = 1, asks do
  local one = standings[i]
  for _, part in ipairs({text(one.sum), one.first, one.room, text(amounts[i] or 0)}) do reply[#reply + 1] = part end
end
return reply
`);

/**
 * What was taken becomes what was used, once: the record of what was taken goes. What has left its window is left alone.
 * KEYS record, open calls, counts · ARGV id, for each count (unit, used)
 */
export const settle = script(`${shared}
for i = 3, #KEYS do
  local unit, used = ARGV[i * 2 - 4], tonumber(ARGV[i * 2 - 3])
  if unit == 'concurrent' then
    redis.call('ZREM', KEYS[i], ARGV[1])
  else
    local taken = redis.call('HGET', KEYS[1], KEYS[i])
    if taken then
      redis.call('HDEL', KEYS[1], KEYS[i])
      local slot, amount = string.match(taken, '^(.-):(.-):')
      local held = redis.call('HGET', KEYS[i], slot)
      if held then
        local left = math.max(0, tonumber(held) + used - tonumber(amount))
        redis.call('HSET', KEYS[i], slot, text(left))
        local empty = left == 0
        if empty then
          for _, one in ipairs(redis.call('HVALS', KEYS[i])) do empty = empty and tonumber(one) == 0 end
        end
        if empty then redis.call('DEL', KEYS[i]) end
      end
    end
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
return 'ok'
`);

/** KEYS open calls · Returns their ids. */
export const members = script(`return redis.call('SMEMBERS', KEYS[1])`);

/** KEYS records · Returns of each: key of a count, 'slot:amount:unit' …. */
export const records = script(`
local all = {}
for i = 1, #KEYS do all[i] = redis.call('HGETALL', KEYS[i]) end
return all
`);

/**
 * Adds what was counted while Redis was away, once. KEYS mark of this list, counts · ARGV ms of the mark, for each count (slot,
 * amount, ms)
 */
export const owe = script(`${shared}
if not redis.call('SET', KEYS[1], '1', 'PX', ARGV[1], 'NX') then return 'known' end
for i = 2, #KEYS do
  redis.call('HINCRBY', KEYS[i], ARGV[i * 3 - 4], ARGV[i * 3 - 3])
  live(KEYS[i], tonumber(ARGV[i * 3 - 2]))
end
return 'ok'
`);

/** Whether the store has yet to get rows of a proxy. KEYS proxies that are behind · ARGV proxy, for how many ms at most; 0: not any more */
export const behind = script(`
if ARGV[2] == '0' then return redis.call('SREM', KEYS[1], ARGV[1]) end
redis.call('SADD', KEYS[1], ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** Calls of one count go on. KEYS count · ARGV lease ms, ids */
export const renew = script(`${shared}
local now = redis.call('TIME')
now = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i]) end
live(KEYS[1], tonumber(ARGV[1]))
return 'ok'
`);

/**
 * Who tells a rule's past. The moment before which is the first claimer's, whoever tells it in the end: from then on calls are
 * counted. KEYS told, since, claim · ARGV who, at, claim's ms, since's ms
 */
export const claim = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return {'told'} end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then return {'other'} end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[2], 'NX')
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'mine', redis.call('GET', KEYS[2])}
`);

/**
 * A part of a rule's past. KEYS claim, count of each amount · ARGV who, claim's ms, counts' ms, for each (slot, amount)
 */
export const restore = script(`${shared}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'other' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for i = 2, #KEYS do
  redis.call('HSET', KEYS[i], 'r' .. ARGV[i * 2], ARGV[i * 2 + 1])
  live(KEYS[i], tonumber(ARGV[3]))
end
return 'ok'
`);

/** The past is told. KEYS claim, told, since · ARGV who, told's ms */
export const told = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'other' end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
redis.call('DEL', KEYS[1], KEYS[3])
return 'ok'
`);

export const scripts: readonly Script[] = [
  hello,
  count,
  settle,
  members,
  records,
  behind,
  owe,
  renew,
  claim,
  restore,
  told,
];
