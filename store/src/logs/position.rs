//! Where a reader of a whole log is.

use std::fmt;
use std::str::FromStr;

/// A position in both shelves of an app's log: what a reader of all sources resumes by. As text it
/// is `1200-80`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogPosition {
    /// In the lines of everybody but the proxy.
    pub words: u64,
    /// In the lines of the proxy.
    pub access: u64,
}

/// Why a text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no position of a log")]
pub struct InvalidPosition;

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.words, self.access)
    }
}

impl FromStr for LogPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten().ok_or(InvalidPosition)
        };
        let (words, access) = text.split_once('-').ok_or(InvalidPosition)?;
        Ok(Self { words: number(words)?, access: number(access)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_a_round_trip_and_nothing_else_is_one() {
        let position = LogPosition { words: 1200, access: u64::MAX };
        assert_eq!(position.to_string().parse(), Ok(position));
        for bad in ["", "-", "1", "1-", "-1", "1-2-3", "+1-2", "1-99999999999999999999999"] {
            assert_eq!(bad.parse::<LogPosition>(), Err(InvalidPosition), "{bad}");
        }
    }
}
