-- Holds requests for apps that sleep until they are awake.
--
-- The dictionary holds, for an app that may sleep, `s <app>`; while requests wait for it, their
-- number in `h <app>`; `w <app>` from a reminder of theirs until somebody was told; and `r <app>` until
-- the next reminder.

local members = require "slipway.members"
local page = require "slipway.page"
local traffic = require "slipway.traffic"

local dict = ngx.shared.slipway_wake
local members_of = members.of
local sleep = ngx.sleep
local now = ngx.now

local LOOK_EVERY_S = 0.02
local HELD_AT_MOST_S = 30
local HELD_AT_ONCE = 100
-- Requests that wait for an app remind of it this often, all of them together: whoever was told may
-- have forgotten. Nobody is reminded of what nobody waits for any more.
local REMIND_EVERY_S = 1
local FORGET_MARK_S = 2 * REMIND_EVERY_S
-- A worker that is killed cannot take back what it holds; its numbers go by themselves.
local FORGET_HELD_S = HELD_AT_MOST_S + 5
-- How long somebody who asks waits for an answer other than nobody.
local ASK_S = 1
local PREFIXES = { s = true, w = true }

local _M = {}

-- Waits until the app has members, for as long as somebody is to wake it; whether it has them then.
local function watch(app)
    local deadline = now() + HELD_AT_MOST_S
    while #members_of(app) == 0 do
        if now() > deadline or not dict:get("s " .. app) then
            return false
        end
        if dict:add("r " .. app, true, REMIND_EVERY_S) then
            dict:set("w " .. app, true, FORGET_MARK_S)
        end
        sleep(LOOK_EVERY_S)
    end
    return true
end

-- The same, unless too many wait. Who waits is in flight: an app is not idle while it is woken.
local function wait(app)
    local key = "h " .. app
    local held = dict:incr(key, 1, 0)
    dict:expire(key, FORGET_HELD_S)
    local is_awake = false
    if held <= HELD_AT_ONCE then
        local subject = traffic.subject(app)
        traffic.enter(subject, now())
        is_awake = watch(app)
        traffic.leave(subject, now())
    end
    if dict:incr(key, -1, 0) <= 0 then
        dict:delete(key)
    end
    return is_awake
end

-- The handler of nginx's own 502. A request for which there was no member goes to one that has come
-- since, and waits for one if its app may sleep: nothing of it was sent, so that is no repetition.
function _M.nobody(app)
    local is_untaken = ngx.var.slipway_instance == ""
    if is_untaken and (#members_of(app) > 0 or dict:get("s " .. app) and wait(app)) then
        return ngx.exec("@slipway_awake")
    end
    return page.send(app, 502)
end

local function replace_sleepers(text)
    local sleepers = {}
    for app in text:gmatch("[a-z0-9_]+") do
        sleepers[app] = true
        dict:safe_set("s " .. app, true)
    end
    for _, key in ipairs(dict:get_keys(0)) do
        local kind, app = key:match("^(%l) (.+)$")
        if PREFIXES[kind] and not sleepers[app] then
            dict:delete(key)
        end
    end
    return sleepers
end

-- Exactly these may sleep; who of them is waited for.
function _M.ask(text)
    local sleepers = replace_sleepers(text)
    local deadline = now() + ASK_S
    local wanted = {}
    while next(sleepers) do
        for app in pairs(sleepers) do
            if dict:get("w " .. app) then
                dict:delete("w " .. app)
                wanted[#wanted + 1] = app .. "\n"
            end
        end
        if #wanted > 0 or now() >= deadline then
            break
        end
        sleep(LOOK_EVERY_S)
    end
    return table.concat(wanted)
end

return _M
