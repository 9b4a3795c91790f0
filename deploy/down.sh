#!/usr/bin/env bash
# Stops the instance of `make up` with everything it started. With --purge its data, images and
# sample are removed too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/say.sh
. "$here/say.sh"
# shellcheck source=deploy/place.sh
. "$here/place.sh"

purge=()
[ "${1:-}" != --purge ] || purge=(--purge)

stop_instance() {
    [ -d "$data" ] || return 0
    [ -x "$slipwayd" ] || fail "$slipwayd is not there, and only it knows what to stop" "run \`make build\` first"
    say "Stopping apps, nginx and slipwayd"
    as_server "$slipwayd" down --data "$data" "${purge[@]}" ||
        fail "not everything could be stopped" "the lines above say what; read $server_log"
}

# Only the daemon that our setup started by hand, and only when nobody else's containers are in it.
stop_docker() {
    [ -e "$home/started-dockerd" ] || return 0
    local pid=/var/run/docker.pid
    if [ -e "$pid" ] && [ -z "$(as_root docker ps --quiet)" ]; then
        say "Stopping the Docker daemon that setup started"
        as_root kill -TERM "$(cat $pid)"
        wait_until 30 test ! -e "$pid" || fail "the Docker daemon does not stop" "kill it: process $(cat $pid)"
    fi
    rm -f "$home/started-dockerd"
}

stop_instance
stop_docker
if [ "${#purge[@]}" -gt 0 ]; then
    as_server rm -rf "$data"
    rm -rf "$home"
    say "Removed $home"
fi
say "Nothing of this instance runs any more"
