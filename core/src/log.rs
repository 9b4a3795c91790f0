//! Log lines: one stream an app, from every source.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// Longest text of one line; longer ones are split.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The build of an image.
    Build,
    /// The release command.
    Release,
    /// The app's own output.
    App,
    /// A one-off command.
    Run,
    /// Slipway itself: starts, switches, crashes.
    Platform,
    /// The proxy: one line a request.
    Access,
}

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no source of log lines")]
pub struct UnknownSource(String);

impl LogSource {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Build, Self::Release, Self::App, Self::Run, Self::Platform, Self::Access];

    /// The name as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Release => "release",
            Self::App => "app",
            Self::Run => "run",
            Self::Platform => "platform",
            Self::Access => "access",
        }
    }
}

impl FromStr for LogSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let named = Self::ALL.into_iter().find(|source| source.as_str() == text);
        named.ok_or_else(|| UnknownSource(text.chars().take(64).collect()))
    }
}

/// One line of an app's log, without its line end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    pub source: LogSource,
    /// The process type, for lines of instances: `web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The instance's short id, for lines of instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The deployment, for lines of build and release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The text, valid UTF-8; what was not is replaced.
    pub text: String,
    /// The request, for lines of the proxy; `text` says the same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<LoggedRequest>,
}

impl LogLine {
    /// A line of nobody in particular.
    pub fn new(at: Timestamp, source: LogSource, text: impl Into<String>) -> Self {
        let (process, instance, deployment, request) = (None, None, None, None);
        Self { at, source, process, instance, deployment, text: text.into(), request }
    }
}

/// A request that the proxy answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoggedRequest {
    /// What the app got in `X-Request-Id`, and the visitor with the answer.
    pub id: String,
    /// The address it came from.
    pub client: String,
    pub method: String,
    /// With its query, as it was asked for.
    pub path: String,
    pub status: u16,
    /// From its first byte to the last of the answer.
    pub duration_ms: u64,
    /// Sent to the client, headers included.
    pub bytes: u64,
}

impl fmt::Display for LoggedRequest {
    /// `GET /cart 200 12 ms 5120 B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, status, duration_ms, bytes, .. } = self;
        write!(f, "{method} {path} {status} {duration_ms} ms {bytes} B")
    }
}

/// Which statuses somebody wants: `404`, or `5xx` for all of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// The first digit.
    Class(u16),
    Code(u16),
}

/// Why a text is no pattern of statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a status like `404` nor a class like `5xx`")]
pub struct InvalidStatus(String);

impl StatusPattern {
    /// Whether the status is one of them.
    pub fn matches(self, status: u16) -> bool {
        match self {
            Self::Class(class) => status / 100 == class,
            Self::Code(code) => status == code,
        }
    }
}

impl FromStr for StatusPattern {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        let invalid = || InvalidStatus(text.chars().take(64).collect());
        let bytes = text.as_bytes();
        if bytes.len() != 3 || !(b'1'..=b'5').contains(&bytes[0]) {
            return Err(invalid());
        }
        if bytes[1..].eq_ignore_ascii_case(b"xx") {
            return Ok(Self::Class(u16::from(bytes[0] - b'0')));
        }
        let digits = bytes.iter().all(u8::is_ascii_digit);
        digits.then(|| text.parse().ok()).flatten().map(Self::Code).ok_or_else(invalid)
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(f, "{class}xx"),
            Self::Code(code) => write!(f, "{code}"),
        }
    }
}

impl Serialize for StatusPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_asked_for_one_by_one_or_by_class() {
        for (text, good, bad) in [("404", 404, 405), ("5xx", 503, 499), ("2XX", 299, 300)] {
            let pattern: StatusPattern = text.parse().unwrap();
            assert!(pattern.matches(good) && !pattern.matches(bad), "{text}");
            assert_eq!(pattern.to_string(), text.to_lowercase());
        }
        for bad in ["", "5", "50x", "6xx", "099", "5xxx", "+40", "xxx", "é0"] {
            assert!(bad.parse::<StatusPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sources_are_found_by_the_name_they_are_stored_under() {
        for source in LogSource::ALL {
            assert_eq!(source.as_str().parse(), Ok(source));
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        assert!("App".parse::<LogSource>().is_err());
    }
}
