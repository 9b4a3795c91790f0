//! Which lines are kept together.

use slipway_core::log::LogSource;

/// A part of an app's log with a bound of its own, so that requests, which there can be thousands
/// of a second, never push out what the app itself said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shelf {
    /// Everybody's lines but the proxy's.
    Words,
    /// The proxy's.
    Access,
}

impl Shelf {
    pub(super) const ALL: [Self; 2] = [Self::Words, Self::Access];

    /// Its folder in the app's.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Words => "",
            Self::Access => "access",
        }
    }

    /// Where a source's lines stand.
    pub(super) fn of(source: LogSource) -> Self {
        match source {
            LogSource::Access => Self::Access,
            LogSource::Build
            | LogSource::Release
            | LogSource::App
            | LogSource::Run
            | LogSource::Platform => Self::Words,
        }
    }
}
