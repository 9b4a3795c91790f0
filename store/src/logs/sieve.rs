//! Refusing a line in its stored form, which is many times quicker than reading it.

use slipway_core::log::{LogLine, LogSource};
use slipway_core::time::Timestamp;

use super::filter::{LogFilter, contains_ascii};

/// A filter made ready for many lines.
#[derive(Debug)]
pub(super) struct Sieve<'a> {
    filter: &'a LogFilter,
    /// What stands in the stored form of every line that is wanted, as it is.
    exact: Vec<&'a [u8]>,
    /// What stands in it in any case of letters.
    folded: Option<Vec<u8>>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(filter: &'a LogFilter) -> Self {
        let ids = [&filter.instance, &filter.deployment];
        let exact = ids.into_iter().flatten().map(String::as_bytes).collect();
        let folded = filter.contains.as_deref().filter(|text| text.is_ascii()).map(escaped);
        Self { filter, exact, folded }
    }

    /// The line, when it is one and is wanted.
    pub(super) fn sift(&self, stored: &[u8]) -> Option<LogLine> {
        if !self.may_match(stored) {
            return None;
        }
        // What is no line of ours is left out.
        let line = serde_json::from_slice(stored).ok()?;
        self.filter.matches(&line).then_some(line)
    }

    fn may_match(&self, stored: &[u8]) -> bool {
        if let Some((at, source)) = head(stored)
            && !(self.filter.spans(at) && self.filter.wants(source))
        {
            return false;
        }
        self.exact.iter().all(|id| stored.windows(id.len().max(1)).any(|part| part == *id))
            && self.folded.as_ref().is_none_or(|text| contains_ascii(stored, text))
    }
}

/// How an ASCII text stands inside of a JSON string.
fn escaped(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.as_bytes()[1..quoted.len() - 1].to_vec()
}

/// Every line begins `{"at":1764100000000,"source":"app"`.
fn head(stored: &[u8]) -> Option<(Timestamp, LogSource)> {
    let rest = stored.strip_prefix(br#"{"at":"#)?;
    let digits = rest.iter().position(|byte| *byte == b',')?;
    let at = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(br#","source":""#)?;
    let name = &rest[..rest.iter().position(|byte| *byte == b'"')?];
    Some((Timestamp(at), std::str::from_utf8(name).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(line: &LogLine) -> Vec<u8> {
        serde_json::to_vec(line).unwrap()
    }

    #[test]
    fn the_sieve_lets_through_exactly_what_the_filter_matches() {
        let texts = ["plain", "a \"quoted\" \\ word\t", "Ünïcode", "\u{1b}[31mRED", ""];
        let lines = texts.map(|text| LogLine {
            instance: Some("abcd1234".to_owned()),
            ..LogLine::new(Timestamp(5), LogSource::App, text)
        });
        for contains in ["PLAIN", "\"QUOTED\" \\ w", "word\t", "ünï", "\u{1b}[31mred", "at", "5"]
        {
            let filter = LogFilter { contains: Some(contains.to_owned()), ..LogFilter::default() };
            for line in &lines {
                let through = Sieve::new(&filter).sift(&stored(line));
                assert_eq!(through.is_some(), filter.matches(line), "{contains} in {}", line.text);
            }
        }
    }

    #[test]
    fn time_and_source_are_read_off_the_head_of_a_line() {
        let line = LogLine::new(Timestamp(-7), LogSource::Platform, "x");
        assert_eq!(head(&stored(&line)), Some((Timestamp(-7), LogSource::Platform)));
        for other in ["", "{}", r#"{"at":x,"source":"app"}"#, r#"{"at":1,"source":"other"}"#] {
            assert_eq!(head(other.as_bytes()), None, "{other}");
        }
    }
}
