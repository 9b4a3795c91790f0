//! Families as a message of the `OpenTelemetry` protocol, in its JSON form.
//!
//! <https://opentelemetry.io/docs/specs/otlp/>: whole numbers of 64 bits are texts, enumerations
//! are numbers, and counts are cumulative since a start.

use serde_json::{Value as Json, json};

use super::{Buckets, Family, Kind, Point, Unit, Value};
use crate::time::Timestamp;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;
const NANOS_A_MILLISECOND: i128 = 1_000_000;

/// Who says it, and of which time.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The installation's id.
    pub installation: &'a str,
    pub version: &'a str,
    /// Since when counts are counted.
    pub start: Timestamp,
    pub now: Timestamp,
}

/// The body of an `ExportMetricsServiceRequest`.
pub fn request(families: &[Family], source: Source<'_>) -> Json {
    let metrics: Vec<Json> = families.iter().map(|family| metric(family, source)).collect();
    let attributes = [
        ("service.name", "slipway"),
        ("service.version", source.version),
        ("service.instance.id", source.installation),
    ];
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes.map(|(key, value)| attribute(key, value))},
        "scopeMetrics": [{
            "scope": {"name": "slipway", "version": source.version},
            "metrics": metrics,
        }],
    }]})
}

fn metric(family: &Family, source: Source<'_>) -> Json {
    let points: Vec<Json> = family.points.iter().map(|point| data_point(point, source)).collect();
    let data = match family.kind {
        Kind::Gauge => json!({"dataPoints": points}),
        Kind::Counter => json!({
            "aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points,
        }),
        Kind::Histogram => json!({"aggregationTemporality": CUMULATIVE, "dataPoints": points}),
    };
    let kind = match family.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "sum",
        Kind::Histogram => "histogram",
    };
    let unit = match family.unit {
        Unit::Count => "1",
        Unit::Seconds => "s",
        Unit::Bytes => "By",
    };
    json!({"name": family.name, "description": family.help, "unit": unit, kind: data})
}

fn data_point(point: &Point, source: Source<'_>) -> Json {
    let attributes: Vec<Json> =
        point.labels.iter().map(|(name, value)| attribute(name, value)).collect();
    let mut data = match &point.value {
        Value::Number(number) => json!({"asDouble": number}),
        Value::Buckets(buckets) => distribution(buckets),
    };
    data["attributes"] = Json::Array(attributes);
    data["startTimeUnixNano"] = nanos(source.start);
    data["timeUnixNano"] = nanos(source.now);
    data
}

fn distribution(buckets: &Buckets) -> Json {
    let bounds: Vec<f64> = buckets.counts.iter().map(|(bound, _)| *bound).collect();
    let counts = buckets.counts.iter().map(|(_, count)| *count).chain([buckets.above]);
    let counts: Vec<String> = counts.map(|count| count.to_string()).collect();
    json!({
        "count": buckets.count().to_string(),
        "sum": buckets.sum,
        "bucketCounts": counts,
        "explicitBounds": bounds,
    })
}

fn attribute(key: &str, value: &str) -> Json {
    json!({"key": key, "value": {"stringValue": value}})
}

fn nanos(moment: Timestamp) -> Json {
    Json::String((i128::from(moment.0) * NANOS_A_MILLISECOND).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_said_as_collectors_take_them() {
        let mut requests =
            Family::new("slipway_requests", Kind::Counter, Unit::Count, "Responses.");
        requests.add(&[("app", "shop")], 12.0);
        let mut memory = Family::new("slipway_memory_bytes", Kind::Gauge, Unit::Bytes, "In use.");
        memory.add(&[], 5.5);
        let mut took = Family::new("slipway_took_seconds", Kind::Histogram, Unit::Seconds, "Time.");
        let counts = vec![(0.5, 3), (1.0, 2)];
        took.add_buckets(&[], Buckets { counts, above: 1, sum: 4.25 });
        let source = Source {
            installation: "ins_1",
            version: "0.1.0",
            start: Timestamp(1_700_000_000_000),
            now: Timestamp(1_700_000_015_000),
        };
        insta::assert_json_snapshot!(request(&[requests, memory, took], source));
    }
}
