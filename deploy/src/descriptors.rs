//! Open files and sockets: how many this process may have, and how many of them are for strangers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More connections than this are no use: they wait for the processor instead.
const CONNECTIONS_AT_MOST: u64 = 4096;

/// Takes as many descriptors as the operator allows. Shells begin programs with a soft limit of 1024,
/// for the sake of those that use `select`.
pub fn take_all() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

/// Connections that the API takes at the same time: at most half of the descriptors, so that whoever
/// connects cannot keep the reconcilers, the builds and the logs from theirs.
pub fn for_connections() -> usize {
    half(getrlimit(Resource::Nofile).current)
}

fn half(descriptors: Option<u64>) -> usize {
    let half = descriptors.map_or(CONNECTIONS_AT_MOST, |count| count / 2);
    usize::try_from(half.clamp(1, CONNECTIONS_AT_MOST)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_at_most_half_of_the_descriptors() {
        assert_eq!(half(Some(1024)), 512);
        assert_eq!(half(Some(1_048_576)), 4096);
        assert_eq!(half(None), 4096, "no limit");
        assert_eq!(half(Some(1)), 1);
    }
}
