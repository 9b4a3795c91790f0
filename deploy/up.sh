#!/usr/bin/env bash
# From a checkout to a running Slipway with a sample app that was deployed by a real `git push`.
# Safe to repeat: what is done is found done.
set -euo pipefail
export GIT_TERMINAL_PROMPT=0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/say.sh
. "$here/say.sh"
# shellcheck source=deploy/place.sh
. "$here/place.sh"

email=admin@localhost.localdomain

build() {
    say "Building slipwayd and slipway (the first time takes some minutes)"
    (cd "$repository" && cargo build --release --locked --bin slipwayd --bin slipway)
}

is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
is_ready() { curl --silent --fail --max-time 2 "http://127.0.0.1:$api_port/readyz"; }

# A server that was stopped leaves its nginx serving, on purpose: that one may hold the port.
require_free_ports() {
    ! is_listening "$api_port" ||
        fail "port $api_port is taken" "choose another: \`SLIPWAY_API_PORT=9081 make up\`"
    [ -e "$data" ] || ! is_listening "$http_port" ||
        fail "port $http_port is taken" "choose another: \`SLIPWAY_HTTP_PORT=9080 make up\`"
}

start_server() {
    local pid
    pid=$(server_pid)
    if [ -n "$pid" ] && [ "$home/started" -nt "$slipwayd" ] && is_ready >/dev/null; then
        detail "slipwayd runs already (process $pid)"
        return
    fi
    if [ -n "$pid" ]; then
        say "Restarting slipwayd: a newer one was built, or other ports are wanted (apps keep serving)"
        as_server kill -TERM "$pid"
        wait_until 30 server_is_gone || fail "slipwayd does not stop" "read $server_log"
    else
        say "Starting slipwayd (log: $server_log)"
        require_free_ports
    fi
    as_server setsid "$slipwayd" run --data "$data" --http-listen "0.0.0.0:$http_port" \
        --api-listen "127.0.0.1:$api_port" --public-url "$api_url" \
        </dev/null >>"$server_log" 2>&1 &
    if ! wait_until 60 answers_or_ended "$((SECONDS + 3))" || ! is_ready >/dev/null; then
        tail -n 8 "$server_log" | sed 's/^/       /' >&2
        fail "slipwayd is not ready" "the lines above, or $server_log, say why"
    fi
    touch "$home/started"
}

server_is_gone() { [ -z "$(server_pid)" ]; }
# Before the given second it may not have begun yet.
answers_or_ended() {
    is_ready || { [ "$SECONDS" -ge "$1" ] && ! has_process "$slipwayd" run --data "$data"; }
}

# The first sign-in: claims the server with its one-time token, for a password made up here.
claim() {
    say "Claiming the server for $email"
    local token
    token=$(as_server "$slipwayd" claim-token --data "$data") ||
        fail "the server was claimed before, and $credentials is gone" \
            "sign in with \`$slipway login $api_url\`, or start over with \`make clean\`"
    (umask 077 && printf 'email=%s\npassword=%s\n' "$email" \
        "$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')" >"$credentials")
    credential password | "$slipway" login "$api_url" --claim "$token" --email "$email" --password-stdin || {
        rm -f "$credentials"
        fail "the claim was refused" "read $server_log"
    }
}

credential() { sed -n "s/^$1=//p" "$credentials"; }

sign_in() {
    "$slipway" --server "$api_url" whoami >/dev/null 2>&1 && return
    say "Signing the command line in"
    credential password | "$slipway" login "$api_url" --email "$(credential email)" --password-stdin
}

prepare_sample() {
    if [ ! -d "$sample/.git" ]; then
        mkdir -p "$sample"
        cp -R "$here/sample/." "$sample/"
        git -C "$sample" init --quiet --initial-branch=main
        git -C "$sample" add --all
        # On a machine where git knows nobody yet, the sample can be changed all the same.
        git -C "$sample" config user.name >/dev/null || git -C "$sample" config user.name Slipway
        git -C "$sample" config user.email >/dev/null || git -C "$sample" config user.email "$email"
        git -C "$sample" commit --quiet --message "A small shop"
    fi
}

app_exists() { "$slipway" --server "$api_url" info -a shop >/dev/null 2>&1; }

# The app may have been destroyed since, and the server may have moved to another port.
tie_sample() {
    local url=$api_url/git/shop.git
    if ! app_exists; then
        say "Creating the app shop"
        git -C "$sample" remote remove slipway 2>/dev/null || true
        (cd "$sample" && "$slipway" --server "$api_url" create shop)
    elif [ "$(git -C "$sample" remote get-url slipway 2>/dev/null)" != "$url" ]; then
        say "Pointing the sample to $api_url"
        git -C "$sample" remote remove slipway 2>/dev/null || true
        git -C "$sample" remote add slipway "$url"
        git -C "$sample" config "credential.$api_url.helper" "!'$slipway' git-credential"
    fi
}

push_sample() {
    local live
    live=$(git -C "$sample" ls-remote slipway refs/heads/main 2>/dev/null | cut -f1) || true
    if [ "$live" = "$(git -C "$sample" rev-parse HEAD)" ]; then
        detail "shop is deployed already"
        return
    fi
    say "git push slipway main"
    git -C "$sample" push slipway main ||
        fail "the sample app was not deployed" "the lines above say why; \`make up\` tries again"
}

# True at once after a push; after `make down` the instances have to come back first.
app_answers() {
    curl --silent --fail --max-time 5 --resolve "shop.localhost:$http_port:127.0.0.1" "$app_url"
}

summary() {
    cat <<TEXT

=====> Slipway is up

       app       $app_url
       console   $api_url
       API       $api_url/docs
       sign in   $email / $(credential password)

       Change something in ${sample#"$PWD"/}, commit, and \`git push slipway main\`.
       The command line: ${slipway#"$PWD"/} --help
       \`make down\` stops everything, \`make clean\` removes it.
TEXT
}

"$here/setup.sh"
build
mkdir -p "$home"
start_server
[ -s "$credentials" ] || claim
sign_in
prepare_sample
tie_sample
push_sample
wait_until 60 app_answers || fail "$app_url does not answer" "run \`slipway logs -a shop\`"
summary
