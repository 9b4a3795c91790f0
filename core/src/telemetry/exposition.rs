//! Families as text: Prometheus' own format (0.0.4) and `OpenMetrics` (1.0).
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>,
//! <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Buckets, Family, Kind, Point, Unit, Value};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    /// The one a reader asks for in its `Accept` header.
    pub fn accepted(accept: &str) -> Self {
        let wants = |range: &str| range.trim().starts_with("application/openmetrics-text");
        if accept.split(',').any(wants) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// As it is named in a `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The whole answer to a scrape.
pub fn text(families: &[Family], format: Format) -> String {
    let mut text = String::new();
    for family in families {
        head(&mut text, family, format);
        for point in &family.points {
            write_point(&mut text, family, point);
        }
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn head(text: &mut String, family: &Family, format: Format) {
    let (name, kind) = match (family.kind, format) {
        (Kind::Counter, Format::Prometheus) => (total(family), "counter"),
        (Kind::Counter, Format::OpenMetrics) => (family.name.clone(), "counter"),
        (Kind::Gauge, _) => (family.name.clone(), "gauge"),
        (Kind::Histogram, _) => (family.name.clone(), "histogram"),
    };
    // Writing to a text cannot fail, here and below.
    let _ = writeln!(text, "# HELP {name} {}", escaped(&family.help));
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if format == Format::OpenMetrics {
        match family.unit {
            Unit::Count => {}
            Unit::Seconds => drop(writeln!(text, "# UNIT {name} seconds")),
            Unit::Bytes => drop(writeln!(text, "# UNIT {name} bytes")),
        }
    }
}

fn total(family: &Family) -> Cow<'static, str> {
    Cow::Owned(format!("{}_total", family.name))
}

fn write_point(text: &mut String, family: &Family, point: &Point) {
    match &point.value {
        Value::Number(number) => {
            let name =
                if family.kind == Kind::Counter { total(family) } else { family.name.clone() };
            let _ = writeln!(text, "{name}{} {number}", labels(point, None));
        }
        Value::Buckets(buckets) => write_buckets(text, family, point, buckets),
    }
}

fn write_buckets(text: &mut String, family: &Family, point: &Point, buckets: &Buckets) {
    let name = &family.name;
    let mut so_far = 0;
    for (bound, count) in &buckets.counts {
        so_far += count;
        // `OpenMetrics` wants a bound to look like a float.
        let bound = format!("{bound:?}");
        let _ = writeln!(text, "{name}_bucket{} {so_far}", labels(point, Some(&bound)));
    }
    let count = buckets.count();
    let _ = writeln!(text, "{name}_bucket{} {count}", labels(point, Some("+Inf")));
    let _ = writeln!(text, "{name}_sum{} {}", labels(point, None), buckets.sum);
    let _ = writeln!(text, "{name}_count{} {count}", labels(point, None));
}

fn labels(point: &Point, bound: Option<&str>) -> String {
    let own = point.labels.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
    let all: Vec<String> = own
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", quoted(value)))
        .collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn quoted(text: &str) -> String {
    escaped(text).replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let mut requests =
            Family::new("slipway_app_requests", Kind::Counter, Unit::Count, "Responses.");
        requests.add(&[("app", "shop"), ("class", "2xx")], 12.0);
        requests.add(&[("app", "a\"b\\c\nd"), ("class", "5xx")], 0.5);
        let mut memory = Family::new("slipway_memory_bytes", Kind::Gauge, Unit::Bytes, "In\nuse.");
        memory.add(&[], 9_007_199_254_740_993.0);
        let mut took = Family::new(
            "slipway_http_request_duration_seconds",
            Kind::Histogram,
            Unit::Seconds,
            "Time.",
        );
        let counts = vec![(0.005, 3), (1.0, 2)];
        took.add_buckets(&[("route", "/v1")], Buckets { counts, above: 1, sum: 4.25 });
        vec![requests, memory, took]
    }

    #[test]
    fn families_are_written_as_prometheus_reads_them() {
        insta::assert_snapshot!(text(&families(), Format::Prometheus));
    }

    #[test]
    fn families_are_written_as_openmetrics_wants_them() {
        insta::assert_snapshot!(text(&families(), Format::OpenMetrics));
    }

    #[test]
    fn the_format_is_the_one_that_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        for other in ["", "*/*", "text/plain;version=0.0.4", "text/html, */*"] {
            assert_eq!(Format::accepted(other), Format::Prometheus, "{other}");
        }
    }
}
