#!/usr/bin/env bash
# `make bench`: release builds of the programs and of the benchmark, then the table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/say.sh
. deploy/say.sh

if ! command -v wrk >/dev/null; then
    say "Installing wrk"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y wrk | sed 's/^/       /' ||
        fail "wrk cannot be installed" "install it, then repeat"
fi
# One command, so that the programs and the benchmark share what they are made of.
say "Building (release)"
cargo build --workspace --release --locked --bin slipwayd --bin slipway --bin bench
exec "${CARGO_TARGET_DIR:-target}/release/bench" "$@"
