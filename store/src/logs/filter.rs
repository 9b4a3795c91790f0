//! Which lines somebody wants.

use slipway_core::log::{LogLine, LogSource};

/// Which lines somebody wants; `None` is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    pub source: Option<LogSource>,
    pub process: Option<String>,
    /// The short id of an instance.
    pub instance: Option<String>,
    pub deployment: Option<String>,
    /// A text that the line contains, whatever its case.
    pub contains: Option<String>,
}

impl LogFilter {
    /// Whether they want this one.
    pub fn matches(&self, line: &LogLine) -> bool {
        is_or_any(self.source.as_ref(), Some(&line.source))
            && is_or_any(self.process.as_ref(), line.process.as_ref())
            && is_or_any(self.instance.as_ref(), line.instance.as_ref())
            && is_or_any(self.deployment.as_ref(), line.deployment.as_ref())
            && self.contains.as_ref().is_none_or(|wanted| contains(&line.text, wanted))
    }

    /// Whether a line in its stored form is worth reading: ids stand in it as they are, so one that
    /// is absent here is absent for good. Much quicker than reading it.
    pub(super) fn may_match(&self, stored: &str) -> bool {
        let ids = [&self.instance, &self.deployment];
        ids.into_iter().flatten().all(|id| stored.contains(id.as_str()))
    }
}

fn is_or_any<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}

fn contains(text: &str, wanted: &str) -> bool {
    text.contains(wanted) || text.to_lowercase().contains(&wanted.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::time::Timestamp;

    #[test]
    fn a_line_matches_when_everything_that_is_asked_for_does() {
        let line = LogLine {
            at: Timestamp(1),
            source: LogSource::App,
            process: Some("web".into()),
            instance: Some("abcd1234".into()),
            deployment: None,
            text: "GET /Straße 500".into(),
        };
        let any = LogFilter::default();
        assert!(any.matches(&line));
        let wanted = LogFilter {
            source: Some(LogSource::App),
            process: Some("web".into()),
            contains: Some("straSSE".to_lowercase().replace("ss", "ß")),
            ..any.clone()
        };
        assert!(wanted.matches(&line));
        assert!(!LogFilter { source: Some(LogSource::Build), ..wanted.clone() }.matches(&line));
        assert!(!LogFilter { instance: Some("other".into()), ..wanted.clone() }.matches(&line));
        assert!(!LogFilter { deployment: Some("dep_1".into()), ..wanted }.matches(&line));
        assert!(!LogFilter { contains: Some("404".into()), ..any }.matches(&line));
    }
}
