-- Which members serve a key, as this worker knows it.
--
-- The shared dictionary is the truth for all workers. It holds, for every key, its members as text
-- (one `instance host port weight` a line) and one generation number that grows with every change.
-- A worker parses a key's text once a generation, so a request costs one number read.

local traffic = require "slipway.traffic"

local dict = ngx.shared.slipway_members

local GENERATION = "generation"
local LINE = "(%S+) (%S+) (%d+) (%d+)\n"
local NONE = {}

local _M = {}

local adopted = -1 -- the generation `parsed` was made from
local parsed = {} -- key -> members

local function parse(text)
    if not text then
        return NONE
    end
    local members = {}
    for instance, host, port, weight in text:gmatch(LINE) do
        weight = tonumber(weight)
        if weight > 0 then
            members[#members + 1] = {
                subject = traffic.subject(instance),
                host = host,
                port = tonumber(port),
                weight = weight,
                turn = 0, -- the balancer's account of whose turn it is
            }
        end
    end
    return members
end

-- Takes over the newest generation and returns it.
function _M.adopt()
    local generation = dict:get(GENERATION) or 0
    if generation ~= adopted then
        adopted = generation
        parsed = {}
        traffic.forget_idle()
    end
    return generation
end

-- The members that may get requests now; possibly none.
function _M.of(key)
    _M.adopt()
    local members = parsed[key]
    if not members then
        members = parse(dict:get(key))
        parsed[key] = members
    end
    return members
end

-- The stored text of a key, "" when it has no members, and the generation.
function _M.read(key)
    return dict:get(key) or "", dict:get(GENERATION) or 0
end

-- All keys with their texts, unordered.
function _M.all()
    local found = {}
    for _, key in ipairs(dict:get_keys(0)) do
        if key ~= GENERATION then
            found[key] = dict:get(key)
        end
    end
    return found
end

-- Stores a key's members. A generation older than the stored one comes from a writer that has been
-- replaced and is refused with "stale"; the same generation again is a repetition and welcome.
-- The text is stored before the number that makes workers look at it.
function _M.write(key, text, generation)
    if generation < (dict:get(GENERATION) or 0) then
        return nil, "stale"
    end
    local ok, err
    if text == "" then
        dict:delete(key)
    else
        -- `safe_set`: out of memory is an error, never the eviction of another key's members.
        ok, err = dict:safe_set(key, text)
        if not ok then
            return nil, err
        end
    end
    return dict:safe_set(GENERATION, generation)
end

-- Fills the dictionary from the file at a cold start. At a reload the dictionary has survived and
-- wins, unless the file is newer: its writer may be about to send exactly that.
function _M.load(path)
    local file, err = io.open(path, "r")
    if not file then
        ngx.log(ngx.NOTICE, "no members are stored yet: ", err)
        return
    end
    local text = file:read("*a")
    file:close()
    local generation = tonumber(text:match("^slipway%-members 1 (%d+)\n"))
    if not generation then
        ngx.log(ngx.ERR, "the members file is not readable: ", path)
        return
    end
    if generation <= (dict:get(GENERATION) or -1) then
        return
    end
    local texts = {}
    for key, line in text:gmatch("(%S+) (%S+ %S+ %d+ %d+\n)") do
        texts[key] = (texts[key] or "") .. line
    end
    dict:flush_all()
    dict:flush_expired()
    for key, lines in pairs(texts) do
        dict:safe_set(key, lines)
    end
    dict:safe_set(GENERATION, generation)
end

return _M
