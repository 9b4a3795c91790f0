//! Ports and addresses that no other installation on this machine uses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range that outgoing connections take their ports from.
const FIRST_PORT: u32 = 20_000;
const PORTS: u32 = 12_000;
/// A process starts at its own place in the range, so that two of them do not race for one port.
const PORTS_A_PROCESS: u32 = 24;

static TAKEN: AtomicU32 = AtomicU32::new(0);
static POOLS: AtomicU32 = AtomicU32::new(0);

/// A loopback address with a port that nothing listens on and that is given out once.
///
/// # Panics
/// When every port of the range is in use.
pub fn free_address() -> SocketAddr {
    for _ in 0..PORTS {
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let place = process::id().wrapping_mul(PORTS_A_PROCESS).wrapping_add(number) % PORTS;
        let port = u16::try_from(FIRST_PORT + place).expect("the range ends below 65536");
        // On every address, because some of them will listen on every address.
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        }
    }
    panic!("no free port between {FIRST_PORT} and {}", FIRST_PORT + PORTS);
}

/// The addresses one installation cuts its app networks from: eight apps at a time.
pub fn network_pool() -> String {
    // Two installations may be given one pool: the engine passes over subnets in use.
    let number = process::id().wrapping_add(POOLS.fetch_add(1, Ordering::Relaxed)) % 1024;
    format!("10.{}.{}.0/22", 202 + number / 64, number % 64 * 4)
}
