//! Which lines somebody wants.

use slipway_core::log::{LogLine, LogSource, StatusPattern};
use slipway_core::time::Timestamp;

use super::shelf::Shelf;

/// Which lines somebody wants; what is empty or `None` narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// Any of these.
    pub sources: Vec<LogSource>,
    pub process: Option<String>,
    /// The short id of an instance.
    pub instance: Option<String>,
    pub deployment: Option<String>,
    /// A text that the line contains, or a request's id or client address, whatever its case.
    pub contains: Option<String>,
    /// Any of these; only requests have a status.
    pub statuses: Vec<StatusPattern>,
    /// Lines of this moment and later.
    pub since: Option<Timestamp>,
    /// Lines of before this moment.
    pub until: Option<Timestamp>,
}

impl LogFilter {
    /// Whether they want this one.
    pub fn matches(&self, line: &LogLine) -> bool {
        self.wants(line.source)
            && self.spans(line.at)
            && is_or_any(self.process.as_ref(), line.process.as_ref())
            && is_or_any(self.instance.as_ref(), line.instance.as_ref())
            && is_or_any(self.deployment.as_ref(), line.deployment.as_ref())
            && self.has_status(line)
            && self.contains.as_ref().is_none_or(|wanted| says(line, wanted))
    }

    /// Whether lines of this source are wanted.
    pub(super) fn wants(&self, source: LogSource) -> bool {
        self.sources.is_empty() || self.sources.contains(&source)
    }

    /// Whether lines of this moment are wanted.
    pub(super) fn spans(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }

    /// Whether a shelf can hold a line that is wanted.
    pub(super) fn concerns(&self, shelf: Shelf) -> bool {
        let sources = LogSource::ALL.into_iter().filter(|source| Shelf::of(*source) == shelf);
        let wanted = sources.into_iter().any(|source| self.wants(source));
        // Requests belong to no deployment, and nothing else has a status.
        wanted
            && match shelf {
                Shelf::Words => self.statuses.is_empty(),
                Shelf::Access => self.deployment.is_none(),
            }
    }

    fn has_status(&self, line: &LogLine) -> bool {
        let status = line.request.as_ref().map(|request| request.status);
        let matches = |status| self.statuses.iter().any(|pattern| pattern.matches(status));
        self.statuses.is_empty() || status.is_some_and(matches)
    }
}

fn is_or_any<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}

fn says(line: &LogLine, wanted: &str) -> bool {
    let request = line.request.iter().flat_map(|request| [&request.id, &request.client]);
    request.chain([&line.text]).any(|text| contains(text, wanted))
}

/// Plain letters are found whatever their case; a text with others is folded as Unicode has it.
fn contains(text: &str, wanted: &str) -> bool {
    if wanted.is_ascii() {
        contains_ascii(text.as_bytes(), wanted.as_bytes())
    } else {
        text.to_lowercase().contains(&wanted.to_lowercase())
    }
}

/// Whether `wanted` stands in `bytes`, without regard to the case of ASCII letters.
pub(super) fn contains_ascii(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return true };
    let starts = bytes.len().saturating_sub(rest.len());
    bytes[..starts].iter().enumerate().any(|(at, byte)| {
        byte.eq_ignore_ascii_case(first)
            && bytes[at + 1..at + wanted.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LogLine {
        LogLine {
            process: Some("web".into()),
            instance: Some("abcd1234".into()),
            ..LogLine::new(Timestamp(10), LogSource::App, "GET /Straße 500")
        }
    }

    #[test]
    fn a_line_matches_when_everything_that_is_asked_for_does() {
        let (line, any) = (line(), LogFilter::default());
        assert!(any.matches(&line));
        let wanted = LogFilter {
            sources: vec![LogSource::Build, LogSource::App],
            process: Some("web".into()),
            contains: Some("STRAßE".into()),
            since: Some(Timestamp(10)),
            until: Some(Timestamp(11)),
            ..any.clone()
        };
        assert!(wanted.matches(&line));
        let other = |change: fn(&mut LogFilter)| {
            let mut filter = wanted.clone();
            change(&mut filter);
            !filter.matches(&line)
        };
        assert!(other(|filter| filter.sources = vec![LogSource::Build]));
        assert!(other(|filter| filter.instance = Some("other".into())));
        assert!(other(|filter| filter.deployment = Some("dep_1".into())));
        assert!(other(|filter| filter.contains = Some("404".into())));
        assert!(other(|filter| filter.statuses = vec![StatusPattern::Class(5)]));
        assert!(other(|filter| filter.since = Some(Timestamp(11))));
        assert!(other(|filter| filter.until = Some(Timestamp(10))));
    }

    #[test]
    fn plain_texts_are_found_anywhere_and_whatever_their_case() {
        for wanted in ["", "get", "E 500", "GET /STRA"] {
            assert!(contains("GET /Straße 500", wanted), "{wanted}");
        }
        for wanted in ["gett", "5000", "GET /Straße 500 and more"] {
            assert!(!contains("GET /Straße 500", wanted), "{wanted}");
        }
        assert!(!contains("", "x"));
    }
}
