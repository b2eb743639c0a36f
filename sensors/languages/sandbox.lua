-- The world that scripts run in: Lua 5.1 with gopher-lua's numbers and texts, without files, environment or network, bounded.
-- Runs once in each runtime; gives back `compile(source)` and `call(chunk, event)`.
-- What is local here cannot be reached by a script: its globals are a fresh table each time, and there is no getfenv.

local print_number, change_case, limits = ...

local byte, char, floor, format, rep, sub = string.byte, string.char, math.floor, string.format, string.rep, string.sub
local clock, concat, error, getmetatable, next, pcall = os.clock, table.concat, error, getmetatable, next, pcall
local rawget, select, setfenv, setmetatable, sethook = rawget, select, setfenv, setmetatable, debug.sethook
local loadstring, tonumber, type, unpack, tostring, assert = loadstring, tonumber, type, unpack, tostring, assert
local cocreate, cowrap, costatus = coroutine.create, coroutine.wrap, coroutine.status
local plain_find, plain_match, plain_gmatch, plain_gsub = string.find, string.match, string.gmatch, string.gsub

local MAX_STEPS, STEP, MAX_SECONDS, MAX_TEXT = limits.steps, limits.step, limits.seconds, limits.text

-- Steps: instructions, and what library functions do in one instruction, counted by its size.

local used, deadline, exhausted

local function give_up()
  exhausted = true
  error(limits.exhausted, 0)
end

local hook

local function watch(thread, every)
  if thread then sethook(thread, hook, "", every) else sethook(hook, "", every) end
end

hook = function()
  used = used + STEP
  if exhausted or used > MAX_STEPS or clock() > deadline then
    watch(nil, 1) -- so that no pcall outlives it
    give_up()
  end
end

local function charge(steps)
  used = used + steps
  if used > MAX_STEPS then give_up() end
end

local function bounded(text)
  if #text > MAX_TEXT then error("a text grows past " .. MAX_TEXT .. " bytes", 0) end
  charge(#text / 64)
  return text
end

-- Texts of values.

local function number_text(number)
  if number == floor(number) and number >= -2 ^ 63 and number < 2 ^ 63 then
    return number == 0 and "0" or format("%.0f", number)
  end
  return print_number(number)
end

local function text_of(value)
  local kind = type(value)
  if kind == "number" then return number_text(value) end
  if kind == "string" then return value end
  if kind == "table" then
    local meta = getmetatable(value)
    local convert = type(meta) == "table" and rawget(meta, "__tostring")
    if convert then return convert(value) end
  end
  return tostring(value)
end

local function want_text(value, place, name)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return number_text(value) end
  error(format("bad argument #%d to %s (string expected, got %s)", place, name, value == nil and "nil" or kind), 3)
end

local function want_number(value, place, name, default)
  if value == nil and default then return default end
  local number = tonumber(value)
  if number then return number end
  error(format("bad argument #%d to %s (number expected, got %s)", place, name, type(value)), 3)
end

-- `..` is compiled to `.. __join ..`, so that numbers become text as gopher-lua writes them.

local joined = {}

local function join_right(value)
  local kind = type(value)
  if kind == "string" or kind == "number" then return setmetatable({ text_of(value) }, joined) end
  return setmetatable({ nil, value }, joined)
end

local join = {}

joined.__concat = function(left, right)
  local kind = type(left)
  if right[1] and (kind == "string" or kind == "number") then return bounded(text_of(left) .. right[1]) end
  local value = right[1] or right[2]
  for _, side in next, { left, value } do
    local meta = getmetatable(side)
    local own = type(meta) == "table" and type(side) == "table" and rawget(meta, "__concat")
    if own then return own(left, value) end
  end
  local odd = (kind == "string" or kind == "number") and value or left
  error("cannot perform concat operation between " .. kind .. " and " .. type(value) .. (odd == nil and " (nil)" or ""), 2)
end
joined.__metatable = false
setmetatable(join, { __concat = function(left, right)
  if left == join then return join_right(right) end
  return joined.__concat(left, right)
end, __metatable = false })

-- Patterns. Those that may cost more than their length are matched here, where steps are counted.

local CHEAP = limits.cheap

local function is_costly(text, pattern)
  local quantifiers = select(2, plain_gsub(pattern, "[%*%+%-%?b]", ""))
  local anchored = byte(pattern, 1) == 94
  local cost = #text + 1
  for _ = 1, anchored and quantifiers or quantifiers + 1 do
    cost = cost * (#text + 1)
    if cost > CHEAP then return true end
  end
  return #text * #pattern > 64 * CHEAP
end

local text, pattern, pattern_end, level, starts, lengths
local OPEN, POSITION = -1, -2

local function class_end(at)
  local c = byte(pattern, at)
  at = at + 1
  if c == 37 then -- %
    if at > pattern_end then error("malformed pattern (ends with '%')", 0) end
    return at + 1
  end
  if c == 91 then -- [
    if byte(pattern, at) == 94 then at = at + 1 end
    repeat
      if at > pattern_end then error("malformed pattern (missing ']')", 0) end
      local inside = byte(pattern, at)
      at = at + 1
      if inside == 37 then at = at + 1 end
    until byte(pattern, at) == 93 -- ]
    return at + 1
  end
  return at
end

local function single(at, from, to)
  if at > #text then return false end
  local c = byte(pattern, from)
  if c == 46 then return true end
  if c == 37 or c == 91 then return plain_find(sub(text, at, at), "^" .. sub(pattern, from, to - 1)) ~= nil end
  return c == byte(text, at)
end

local match

local function balance(at, from)
  if from + 1 > pattern_end then error("unbalanced pattern", 0) end
  local opening, closing = byte(pattern, from, from + 1)
  if byte(text, at) ~= opening then return nil end
  local depth = 1
  for here = at + 1, #text do
    local c = byte(text, here)
    if c == closing then
      depth = depth - 1
      if depth == 0 then return here + 1 end
    elseif c == opening then
      depth = depth + 1
    end
  end
  return nil
end

local function longest(at, from, to)
  local count = 0
  while single(at + count, from, to) do count = count + 1 end
  while count >= 0 do
    local ending = match(at + count, to + 1)
    if ending then return ending end
    count = count - 1
  end
  return nil
end

local function shortest(at, from, to)
  while true do
    local ending = match(at, to + 1)
    if ending then return ending end
    if not single(at, from, to) then return nil end
    at = at + 1
  end
end

local function capture_opened(at, from, what)
  if level >= 32 then error("too many captures", 0) end
  level = level + 1
  starts[level], lengths[level] = at, what
  local ending = match(at, from)
  if not ending then level = level - 1 end
  return ending
end

local function capture_closed(at, from)
  for index = level, 1, -1 do
    if lengths[index] == OPEN then
      lengths[index] = at - starts[index]
      local ending = match(at, from)
      if not ending then lengths[index] = OPEN end
      return ending
    end
  end
  error("invalid pattern capture", 0)
end

local function repeated(at, digit)
  local index = digit - 48
  if index < 1 or index > level or lengths[index] == OPEN then error("invalid capture index", 0) end
  local held = sub(text, starts[index], starts[index] + lengths[index] - 1)
  return sub(text, at, at + #held - 1) == held and at + #held or nil
end

match = function(at, from)
  while from <= pattern_end do
    local c = byte(pattern, from)
    if c == 40 then -- (
      if byte(pattern, from + 1) == 41 then return capture_opened(at, from + 2, POSITION) end
      return capture_opened(at, from + 1, OPEN)
    elseif c == 41 then -- )
      return capture_closed(at, from + 1)
    elseif c == 36 and from == pattern_end then -- $
      return at == #text + 1 and at or nil
    end
    local following = c == 37 and byte(pattern, from + 1)
    if following == 98 then -- %b
      at = balance(at, from + 2)
      if not at then return nil end
      from = from + 4
    elseif following and following >= 48 and following <= 57 then
      at = repeated(at, following)
      if not at then return nil end
      from = from + 2
    else
      local to = class_end(from)
      local suffix = byte(pattern, to)
      if suffix == 63 then -- ?
        if single(at, from, to) then
          local ending = match(at + 1, to + 1)
          if ending then return ending end
        end
        from = to + 1
      elseif suffix == 42 then return longest(at, from, to)
      elseif suffix == 43 then return single(at, from, to) and longest(at + 1, from, to) or nil
      elseif suffix == 45 then return shortest(at, from, to)
      else
        if not single(at, from, to) then return nil end
        at, from = at + 1, to
      end
    end
  end
  return at
end

-- The first match from `init` on: its start, the place behind it, its captures.
local function search(subject, wanted, init)
  local anchored = byte(wanted, 1) == 94
  local at = init
  repeat
    text, pattern, pattern_end, level, starts, lengths = subject, wanted, #wanted, 0, {}, {}
    local ending = match(at, anchored and 2 or 1)
    if ending then
      local captures = {}
      for index = 1, level do
        if lengths[index] == OPEN then error("unfinished capture", 0) end
        local whole = sub(subject, starts[index], starts[index] + lengths[index] - 1)
        captures[index] = lengths[index] == POSITION and starts[index] or whole
      end
      return at, ending, captures, level
    end
    at = at + 1
  until at > #subject + 1 or anchored
  return nil
end

-- A pattern that matches nothing gives nothing, not nil.
local function found(first, ...)
  if first ~= nil then return first, ... end
end

local function start_of(subject, init)
  init = init < 0 and -floor(-init) or floor(init)
  if init < 0 then init = #subject + init + 1 end
  return init < 1 and 1 or init
end

local strings = {}

function strings.find(subject, wanted, init, plain)
  subject, wanted = want_text(subject, 1, "find"), want_text(wanted, 2, "find")
  if wanted == "" then return 1, 0 end
  init = start_of(subject, want_number(init, 3, "find", 1))
  if init > #subject + 1 then return nil end
  if plain or not is_costly(subject, wanted) then
    charge(#subject / 16)
    return plain_find(subject, wanted, init, plain)
  end
  local from, behind, captures, count = search(subject, wanted, init)
  if not from then return nil end
  return from, behind - 1, unpack(captures, 1, count)
end

function strings.match(subject, wanted, init)
  subject, wanted = want_text(subject, 1, "match"), want_text(wanted, 2, "match")
  init = start_of(subject, want_number(init, 3, "match", 1))
  if init > #subject + 1 then return end
  if not is_costly(subject, wanted) then
    charge(#subject / 16)
    return found(plain_match(subject, wanted, init))
  end
  local from, behind, captures, count = search(subject, wanted, init)
  if not from then return end
  if count == 0 then return sub(subject, from, behind - 1) end
  return unpack(captures, 1, count)
end

function strings.gmatch(subject, wanted)
  subject, wanted = want_text(subject, 1, "gmatch"), want_text(wanted, 2, "gmatch")
  if byte(wanted, 1) == 94 then -- at the beginning only, and there once
    local done = false
    return function()
      if done then return nil end
      done = true
      return strings.match(subject, wanted)
    end
  end
  if not is_costly(subject, wanted) then
    charge(#subject / 16)
    return plain_gmatch(subject, wanted)
  end
  local at = 1
  return function()
    if at > #subject + 1 then return nil end
    local from, behind, captures, count = search(subject, wanted, at)
    if not from then
      at = #subject + 2
      return nil
    end
    at = behind == from and behind + 1 or behind
    if count == 0 then return sub(subject, from, behind - 1) end
    return unpack(captures, 1, count)
  end
end

strings.gfind = strings.gmatch

local function replacement(with, whole, captures, count)
  local first = count > 0 and captures[1] or whole
  local value
  if type(with) == "function" then
    if count > 0 then value = with(unpack(captures, 1, count)) else value = with(whole) end
  elseif type(with) == "table" then
    value = with[first]
  else
    value = plain_gsub(with, "%%(.)", function(c)
      if c == "0" then return whole end
      if c == "%" then return "%" end
      if not plain_find(c, "%d") then return "%" .. c end
      local index = tonumber(c)
      if index == 1 and count == 0 then return whole end
      if index > count then error("invalid capture index", 0) end
      return text_of(captures[index])
    end)
  end
  local kind = type(value)
  if kind == "string" or kind == "number" then return text_of(value) end
  return value and "" or whole
end

function strings.gsub(subject, wanted, with, limit)
  subject, wanted = want_text(subject, 1, "gsub"), want_text(wanted, 2, "gsub")
  local kind = type(with)
  if kind ~= "string" and kind ~= "table" and kind ~= "function" then
    error("bad argument #3 to gsub (string/table/function expected, got " .. kind .. ")", 2)
  end
  if limit ~= nil and type(limit) ~= "number" then
    error("bad argument #4 to gsub (number expected, got " .. type(limit) .. ")", 2)
  end
  limit = floor(limit or 0) -- 0 is no limit
  local anchored, parts, at, count = byte(wanted, 1) == 94, {}, 1, 0
  while at <= #subject + 1 and (limit <= 0 or count < limit) do
    local from, behind, captures, captured
    if is_costly(subject, wanted) then
      from, behind, captures, captured = search(subject, wanted, at)
    else
      local found = { plain_find(subject, wanted, at) }
      from, behind = found[1], found[2] and found[2] + 1
      captured = #found > 2 and #found - 2 or 0
      captures = { unpack(found, 3) }
    end
    if not from then break end
    count = count + 1
    parts[#parts + 1] = sub(subject, at, from - 1)
    parts[#parts + 1] = replacement(with, sub(subject, from, behind - 1), captures, captured)
    if behind == from then
      parts[#parts + 1] = sub(subject, from, from)
      behind = behind + 1
    end
    at = behind
    if anchored then break end
  end
  parts[#parts + 1] = sub(subject, at)
  return bounded(concat(parts)), count
end

function strings.rep(subject, count)
  subject, count = want_text(subject, 1, "rep"), want_number(count, 2, "rep")
  if count < 1 or subject == "" then return "" end
  if #subject * count > MAX_TEXT then error("a text grows past " .. MAX_TEXT .. " bytes", 2) end
  return bounded(rep(subject, count))
end

function strings.sub(subject, from, to)
  subject = want_text(subject, 1, "sub")
  return bounded(sub(subject, want_number(from, 2, "sub"), want_number(to, 3, "sub", -1)))
end

-- All bytes where none is asked for, one where one is.
function strings.byte(subject, ...)
  local from, to = ...
  subject, from = want_text(subject, 1, "byte"), want_number(from, 2, "byte", 1)
  return byte(subject, from, want_number(to, 3, "byte", select("#", ...) == 1 and from or -1))
end

function strings.char(...)
  local codes = { ... }
  for index = 1, select("#", ...) do codes[index] = want_number(codes[index], index, "char") % 256 end
  return char(unpack(codes))
end

function strings.len(subject) return #want_text(subject, 1, "len") end

local reverse = string.reverse
function strings.reverse(subject) return bounded(reverse(want_text(subject, 1, "reverse"))) end

function strings.upper(subject) return bounded(change_case(want_text(subject, 1, "upper"), true)) end

function strings.lower(subject) return bounded(change_case(want_text(subject, 1, "lower"), false)) end

local INTEGER = { d = "d", i = "d", x = "x", X = "X", o = "o" }
local FLOAT = { e = true, E = true, f = true, F = true, g = true, G = true }

-- Width and precision count characters, not bytes.
local function padded(flags, value)
  local minus, width, precision = plain_match(flags, "^[%+ #0]*(%-?)[%-%+ #0]*(%d*)%.?(%d*)$")
  if plain_find(flags, ".", 1, true) then
    local kept, left = {}, tonumber(precision) or 0
    for character in plain_gmatch(value, "[%z\1-\127\192-\255][\128-\191]*") do
      if left < 1 then break end
      kept[#kept + 1], left = character, left - 1
    end
    value = concat(kept)
  end
  local missing = (tonumber(width) or 0) - select(2, plain_gsub(value, "[^\128-\191]", ""))
  if missing < 1 then return value end
  if minus ~= "-" and plain_find(flags, "^[%+ #]*0") then return rep("0", missing) .. value end
  return minus == "-" and value .. rep(" ", missing) or rep(" ", missing) .. value
end

local as_number

local function formatted(flags, verb, value)
  local kind = type(value)
  if kind == "number" then
    if INTEGER[verb] then
      local whole = value < 0 and -floor(-value) or floor(value)
      if whole < 0 and INTEGER[verb] ~= "d" then return padded(flags, "-" .. format("%" .. INTEGER[verb], -whole)) end
      return format("%" .. flags .. INTEGER[verb], whole)
    end
    if verb == "c" then return change_case(value, nil) end
    if (verb == "g" or verb == "G") and not plain_find(flags, "%.") then
      return padded(flags, verb == "g" and print_number(value) or (plain_gsub(print_number(value), "e", "E")))
    end
    if FLOAT[verb] then return format("%" .. flags .. (verb == "F" and "f" or verb), value) end
  end
  if kind == "string" and (verb == "d" or verb == "i") then -- a number as it is written, anything else is 0
    if as_number(value) then return padded(flags, value) end
    return format("%" .. flags .. "d", 0)
  end
  if (kind == "string" or kind == "boolean") and (verb == "x" or verb == "X") then
    return padded(flags, (plain_gsub(tostring(value), ".", function(c) return format("%02" .. verb, byte(c)) end)))
  end
  if verb == "q" then return padded(plain_gsub(flags, "%..*", ""), format("%q", text_of(value))) end
  if verb == "s" or verb == "v" then return padded(flags, text_of(value)) end
  if kind == "string" then return "%!" .. verb .. "(string=" .. padded(flags, value) .. ")" end
  if kind == "boolean" then return "%!" .. verb .. "(lua.LBool=" .. padded(plain_gsub(flags, "%..*", ""), tostring(value)) .. ")" end
  return value == nil and "&{}" or "%!" .. verb .. "(" .. kind .. ")"
end

function strings.format(wanted, ...)
  wanted = want_text(wanted, 1, "format")
  local values, count, used_up = { ... }, select("#", ...), 0
  local made = plain_gsub(wanted, "%%([%-%+ #0]*%d*%.?%d*)(.)", function(flags, verb)
    if verb == "%" then return "%" end
    used_up = used_up + 1
    if used_up > count then return "%!" .. verb .. "(MISSING)" end
    if #flags > 8 then error("invalid format (width or precision too long)", 0) end
    local done, made = pcall(formatted, flags, verb, values[used_up])
    if done then return made end
    error(exhausted and limits.exhausted or "invalid format", 0)
  end)
  return bounded(made)
end

local tables = { maxn = table.maxn, getn = table.getn }
local insert, remove, sort = table.insert, table.remove, table.sort

function tables.insert(list, ...)
  charge(#list / 16)
  return insert(list, ...)
end

function tables.remove(list, ...)
  charge(#list / 16)
  return (remove(list, ...))
end

function tables.sort(list, less)
  local size = #list
  charge(size * 2)
  return sort(list, less)
end

function tables.concat(list, separator, from, to)
  separator = separator == nil and "" or want_text(separator, 2, "concat")
  from, to = want_number(from, 3, "concat", 1), want_number(to, 4, "concat", #list)
  local parts, size = {}, 0
  if to > #list then to = #list end
  if from < 1 then from = 1 end
  if from == to and type(list[from]) == "number" then return list[from] end
  for index = from, to do
    local value = list[index]
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
      error("invalid value (" .. kind .. ") at index " .. index .. " in table for concat", 2)
    end
    parts[#parts + 1] = text_of(value)
    size = size + #parts[#parts] + #separator
    if size > MAX_TEXT + #separator then error("a text grows past " .. MAX_TEXT .. " bytes", 2) end
  end
  return bounded(concat(parts, separator))
end

local maths = {}
for name, value in next, math do maths[name] = value end
maths.huge = limits.huge
local random, randomseed = math.random, math.randomseed

local base = {
  assert = function(...)
    local value, message = ...
    if value then return ... end
    error(message == nil and "assertion failed!" or message, 0)
  end,
  collectgarbage = function() return 0 end,
  error = error,
  getmetatable = function(value)
    if type(value) == "string" then return nil end
    return getmetatable(value)
  end,
  ipairs = ipairs,
  next = next,
  pairs = pairs,
  print = function() end,
  rawequal = rawequal,
  rawget = rawget,
  rawset = rawset,
  select = select,
  setmetatable = function(value, meta)
    if type(value) ~= "table" then error("bad argument #1 to setmetatable (table expected)", 2) end
    return setmetatable(value, meta)
  end,
  tostring = text_of,
  type = type,
  unpack = unpack,
  __join = join,
  _VERSION = "Lua 5.1",
}

base.tonumber = function(value, radix)
  if type(value) == "number" then return value end
  if type(value) ~= "string" then return nil end
  local digits = plain_match(value, "^[ \n\t]*(.-)[ \n\t]*$")
  if plain_find(digits, ".", 1, true) then
    return plain_find(digits, "^[%+%-]?[%d%.]+[eE]?[%+%-]?%d*$") and tonumber(digits) or nil
  end
  if radix == nil and plain_find(digits, "^0[xX]") then radix, digits = 16, sub(digits, 3) end
  local sign, body = plain_match(digits, "^([%+%-]?)(%w+)$")
  if body and plain_find(body, "^0[xX]") then return nil end
  local number = body and tonumber(body, radix or 10)
  if number == nil or number >= 2 ^ 63 or (radix or 10) == 10 and not plain_find(body, "^%d+$") then return nil end
  return sign == "-" and -number or number
end

as_number = base.tonumber

local function protected(done, ...)
  if not done and exhausted then error(limits.exhausted, 0) end
  return done, ...
end

base.pcall = function(call, ...) return protected(pcall(call, ...)) end
base.xpcall = function(call, handler)
  local function answered(done, ...)
    if done then return true, ... end
    if exhausted then error(limits.exhausted, 0) end
    return false, handler(...)
  end
  return answered(pcall(call))
end

local coroutines = { resume = coroutine.resume, yield = coroutine.yield, status = costatus, running = coroutine.running }
coroutines.create = function(body)
  local thread = cocreate(body)
  charge(200)
  watch(thread, STEP)
  return thread
end
coroutines.wrap = function(body)
  local thread = coroutines.create(body)
  local function answered(done, ...)
    if done then return ... end
    error((...), 0)
  end
  return function(...) return answered(coroutines.resume(thread, ...)) end
end

local libraries = { string = strings, table = tables, math = maths, coroutine = coroutines }
-- Methods of texts, `("x"):upper()`. The table is this one, whatever a script does to its own copy of the library.
local method_index = {}
for name, value in next, strings do method_index[name] = value end
getmetatable("").__index = method_index

local function world(event)
  local globals = {}
  for name, value in next, base do globals[name] = value end
  for name, library in next, libraries do
    local copy = {}
    for key, value in next, library do copy[key] = value end
    globals[name] = copy
  end
  globals._G, globals.event = globals, event
  return globals
end

local function compile(source) return loadstring(source, "=script") end

-- Values as plain tables without metatables, for the host to read: { "o", key, value, … }, { "a", element, … }, { "n" } for null.

local function largest_index(value)
  local largest = 0
  for key in next, value do
    if type(key) == "number" and key > largest and key == floor(key) and key < limits.largest_index then largest = key end
  end
  return largest
end

local function exported(value, depth)
  local kind = type(value)
  if value == nil then return { "n" } end
  if kind == "string" or kind == "number" or kind == "boolean" then return value end
  if kind ~= "table" then error("a value of type " .. kind .. " cannot be part of the data", 0) end
  if depth > limits.depth then error("tables nest more than " .. limits.depth .. " deep", 0) end
  local largest, meta = largest_index(value), getmetatable(value)
  if largest > 0 or type(meta) == "table" and rawget(meta, "__is_array") == true then
    charge(largest)
    local list = { "a" }
    for index = 1, largest do list[index + 1] = exported(rawget(value, index), depth + 1) end
    return list
  end
  local object, place = { "o" }, 2
  for key, member in next, value do
    object[place], object[place + 1] = text_of(key), exported(member, depth + 1)
    place = place + 2
  end
  return object
end

-- A value in a few words, for whoever asks why it was not true.
local function shown(value)
  local kind = type(value)
  if kind == "string" then return "the text " .. (#value <= 100 and value or sub(value, 1, 100) .. "…") end
  if kind == "number" then return "the number " .. number_text(value) end
  return (kind == "nil" or kind == "boolean") and tostring(value) or "a value of type " .. kind
end

local function last_of(whole, ...)
  local count = select("#", ...)
  if whole == "shown" then return count == 0 and "nothing" or shown((select(count, ...))) end
  if count == 0 then return nil end
  local last = select(count, ...)
  if not whole then return last == true end
  if type(last) ~= "table" then return nil end
  return exported(last, 1)
end

local function settled(done, value)
  sethook()
  if done then return true, value end
  local kind = type(value)
  if kind == "number" then value = number_text(value) end
  return false, (kind == "string" or kind == "number") and value or "an error of type " .. kind
end

-- Runs `chunk`. True and, where `whole`, the table that is its last value, where it is "shown", that value in words, else whether it is
-- true; or false and the reason. `share` is the part of its time that it gets.
local function call(chunk, event, seed, whole, share)
  used, exhausted, deadline = 0, false, clock() + MAX_SECONDS * share
  randomseed(seed)
  setfenv(chunk, world(event))
  watch(nil, STEP)
  return settled(pcall(function() return last_of(whole, chunk()) end))
end

return compile, call
