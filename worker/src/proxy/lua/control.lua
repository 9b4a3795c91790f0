-- The control socket: members are written and read back, traffic is read.
-- Plain text both ways; the formats are those of `members.lua`, `traffic.lua` and `timing.lua`.

local members = require "slipway.members"
local timing = require "slipway.timing"
local traffic = require "slipway.traffic"
local wake = require "slipway.wake"

local GENERATION = "Slipway-Generation"

local _M = {}

-- Every entry of a dictionary, `key value` a line.
local function entries(dict)
    local lines = {}
    for _, key in ipairs(dict:get_keys(0)) do
        local value = dict:get(key)
        if value then
            lines[#lines + 1] = key .. " " .. value .. "\n"
        end
    end
    return table.concat(lines)
end

local function answer(status, body)
    ngx.status = status
    ngx.header["Content-Length"] = #body
    ngx.print(body)
end

-- GET, PUT /members/<key>. Both answer with what the dictionary holds afterwards.
function _M.member(key)
    if ngx.req.get_method() == "PUT" then
        local generation = tonumber(ngx.var.http_slipway_generation)
        if not generation then
            return answer(400, "no generation\n")
        end
        ngx.req.read_body()
        local ok, err = members.write(key, ngx.req.get_body_data() or "", generation)
        if not ok then
            return answer(err == "stale" and 409 or 507, err .. "\n")
        end
    end
    local text, generation = members.read(key)
    ngx.header[GENERATION] = generation
    answer(200, text)
end

-- GET /members: `key instance host port weight` a line.
function _M.members()
    local lines = {}
    for key, text in pairs(members.all()) do
        lines[#lines + 1] = (text:gsub("[^\n]+", key .. " %0"))
    end
    answer(200, table.concat(lines))
end

-- GET /traffic: `g` and the generation of members, then the entries of the dictionary, this
-- worker's own brought up to date.
function _M.traffic()
    local generation = members.adopt()
    traffic.flush()
    traffic.publish(generation)
    answer(200, "g " .. generation .. "\n" .. entries(ngx.shared.slipway_traffic))
end

-- GET /times: the entries of the other dictionary, likewise.
function _M.times()
    traffic.flush()
    answer(200, entries(ngx.shared.slipway_timing))
end

-- PUT /sleepers: the apps that may sleep, one a line. Answers with those that are waited for, as
-- soon as there are some, and with nothing after a second.
function _M.sleepers()
    ngx.req.read_body()
    answer(200, wake.ask(ngx.req.get_body_data() or ""))
end

return _M
