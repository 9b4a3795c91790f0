//! Lines as syslog messages: RFC 5424, each with its length in front (RFC 6587, 3.4.1).
//!
//! `<134>1 2026-01-05T14:03:22.125Z shop shop web.4k2m8r1t app - listening on 8000`

use std::fmt::Write;

use slipway_core::calendar::rfc3339;
use slipway_core::log::{LogLine, LogSource, LoggedRequest};
use slipway_core::name::AppName;

/// Facility `local0`.
const FACILITY: u8 = 16;
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;
/// The fields of a request. 32473 is the enterprise number that RFC 5612 sets apart for those who
/// have none.
const REQUEST: &str = "request@32473";

/// The messages of lines, one after the other.
pub(super) fn frames(app: &AppName, lines: &[LogLine]) -> Vec<u8> {
    let mut frames = Vec::new();
    for line in lines {
        let message = message(app, line);
        frames.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
    }
    frames
}

fn message(app: &AppName, line: &LogLine) -> String {
    let severity = if line.source == LogSource::Platform { NOTICE } else { INFORMATIONAL };
    let priority = FACILITY * 8 + severity;
    let (at, source) = (rfc3339(line.at), line.source.as_str());
    let process = match (&line.process, &line.instance) {
        (Some(process), Some(instance)) => format!("{process}.{instance}"),
        _ => source.to_owned(),
    };
    let data = line.request.as_ref().map_or_else(|| "-".to_owned(), structured);
    format!("<{priority}>1 {at} {app} {app} {process} {source} {data} {}", line.text)
}

fn structured(request: &LoggedRequest) -> String {
    let LoggedRequest { id, client, method, path, status, duration_ms, bytes } = request;
    let mut data = format!("[{REQUEST}");
    for (name, value) in [("id", id), ("client", client), ("method", method), ("path", path)] {
        let _ = write!(data, " {name}=\"{}\"", escaped(value));
    }
    let _ = write!(data, " status=\"{status}\" duration_ms=\"{duration_ms}\" bytes=\"{bytes}\"]");
    data
}

fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Timestamp;

    use super::*;

    #[test]
    fn messages_are_as_the_standard_has_them() {
        let at = Timestamp(1_767_621_802_125);
        let request = LoggedRequest {
            id: "1-2-3".to_owned(),
            client: "203.0.113.9".to_owned(),
            method: "GET".to_owned(),
            path: "/a\"]\\ü".to_owned(),
            status: 404,
            duration_ms: 3,
            bytes: 120,
        };
        let lines = [
            LogLine {
                process: Some("web".to_owned()),
                instance: Some("4k2m8r1t".to_owned()),
                ..LogLine::new(at, LogSource::App, "two\nlines, and ümlauts")
            },
            LogLine::new(at, LogSource::Platform, "=====> v2 is live"),
            LogLine {
                request: Some(request.clone()),
                ..LogLine::new(at, LogSource::Access, request.to_string())
            },
        ];
        let frames = frames(&"shop".parse().unwrap(), &lines);
        insta::assert_snapshot!("syslog", String::from_utf8(frames).unwrap());
    }
}
