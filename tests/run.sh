#!/usr/bin/env bash
# Every test, then a look at what they left behind. Wants what `make setup` installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/say.sh
. deploy/say.sh

# What of Slipway is on this machine: containers, networks, built images, processes, folders.
belongings() {
    docker ps --all --filter label=slipway.installation --format 'container {{.Names}}'
    docker network ls --filter label=slipway.installation --format 'network {{.Name}}'
    docker images --filter label=slipway.deployment --format 'image {{.ID}}'
    for folder in /tmp/slipway-test-*; do
        [ ! -e "$folder" ] || echo "folder $folder"
    done
    # The tests' processes all name their folder on the command line. One that ends before its turn
    # is none.
    for command in /proc/[0-9]*/cmdline; do
        { tr '\0' ' ' <"$command" || true; } 2>/dev/null |
            sed -n 's/.*\/tmp\/slipway-test-.*/process &/p'
    done
}

# Whether it is a network that Docker keeps for an endpoint it lost track of (moby/moby#42119): nobody
# can remove that before the daemon starts anew.
is_lost() {
    case $1 in "network "*) ;; *) return 1 ;; esac
    [ "$(docker network inspect --format '{{len .Containers}}' "${1#network }")" = 0 ] &&
        grep -q 'has active endpoints' <<<"$(docker network rm "${1#network }" 2>&1)"
}

run_tests() {
    if command -v cargo-nextest >/dev/null; then
        cargo nextest run --workspace --locked --profile ci
    else
        detail "cargo-nextest is not installed: using cargo test"
        RUST_TEST_THREADS=2 cargo test --workspace --locked --no-fail-fast
    fi
}

started=$SECONDS
before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
belongings | sort >"$before"

say "Comparing the console's scripts with their sources"
(cd web && npm ci --silent --no-audit --no-fund && node build.js --check) ||
    fail "the console's scripts are stale" "run \`make assets\` and commit what it made"
say "Building everything, the programs under test included"
cargo build --workspace --all-targets --locked
say "Running every test"
outcome=0
run_tests || outcome=$?

belongings | sort >"$after"
left=$(comm -13 "$before" "$after" | while IFS= read -r thing; do is_lost "$thing" || echo "$thing"; done)
took="$(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
if [ -n "$left" ]; then
    while IFS= read -r thing; do detail "$thing" >&2; done <<<"$left"
    fail "the tests left behind what is listed above" "a test that was killed cannot tidy up; one that ended must"
fi
[ "$outcome" -eq 0 ] || fail "tests failed (after $took); nothing was left behind" "the report above names them"
printf '=====> every test passed in %s, and nothing was left behind\n' "$took"
