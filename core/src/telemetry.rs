//! Measurements as other systems take them: families of series, told apart by labels.
//!
//! What is counted is told as it stands since its start, so that a reader who misses a reading loses
//! nothing. The same families are written as text for Prometheus ([`exposition`]) and as messages
//! for `OpenTelemetry` collectors ([`otlp`]). Names and units follow Prometheus' conventions: seconds
//! and bytes, `snake_case`, a unit at the end.

pub mod catalogue;
pub mod exposition;
pub mod otlp;
pub mod reading;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::catalogue::Definition;

/// Most points that are told in all. What is beyond is left out, by family and label.
pub const MAX_POINTS: usize = 50_000;

/// What the numbers of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Only ever grows, but for starting again at 0.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// What a family is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    Seconds,
    Bytes,
}

/// The number of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Number(f64),
    Buckets(Buckets),
}

/// How many values were at most so large.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Buckets {
    /// Upper bounds, ascending, each with how many values are in its bucket alone.
    pub counts: Vec<(f64, u64)>,
    /// Values above the last bound.
    pub above: u64,
    pub sum: f64,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Names and values, in the family's order.
    pub labels: Vec<(Cow<'static, str>, String)>,
    pub value: Value,
}

/// Series of one name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// With the unit at its end, without `_total`.
    pub name: Cow<'static, str>,
    pub help: Cow<'static, str>,
    pub kind: Kind,
    pub unit: Unit,
    pub points: Vec<Point>,
}

impl Family {
    /// A family of the catalogue, without series.
    pub fn of(definition: &Definition) -> Self {
        let Definition { name, kind, unit, help, .. } = *definition;
        Self::new(name, kind, unit, help)
    }

    fn new(name: &'static str, kind: Kind, unit: Unit, help: &'static str) -> Self {
        Self { name: name.into(), help: help.into(), kind, unit, points: Vec::new() }
    }

    /// Adds a series. One that is no number is left out: it is not known.
    pub fn add(&mut self, labels: &[(&'static str, &str)], number: f64) {
        if number.is_finite() {
            self.points.push(Point { labels: labelled(labels), value: Value::Number(number) });
        }
    }

    /// Adds a series of counts by size.
    pub fn add_buckets(&mut self, labels: &[(&'static str, &str)], buckets: Buckets) {
        self.points.push(Point { labels: labelled(labels), value: Value::Buckets(buckets) });
    }
}

impl Buckets {
    /// All values.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum::<u64>() + self.above
    }
}

fn labelled(labels: &[(&'static str, &str)]) -> Vec<(Cow<'static, str>, String)> {
    labels.iter().map(|(name, value)| (Cow::Borrowed(*name), (*value).to_owned())).collect()
}

/// Keeps to [`MAX_POINTS`] in all: the families' first ones, so that the same series stay.
pub fn bound(families: &mut Vec<Family>) {
    let mut room = MAX_POINTS;
    for family in families.iter_mut() {
        family.points.truncate(room);
        room -= family.points.len();
    }
    families.retain(|family| !family.points.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_series_and_no_more() {
        let mut many = Family::new("a", Kind::Gauge, Unit::Count, "many");
        (0..MAX_POINTS).for_each(|number| many.add(&[("n", &number.to_string())], 1.0));
        let mut later = Family::new("b", Kind::Gauge, Unit::Count, "later");
        later.add(&[], 1.0);
        later.add(&[("n", "1")], f64::NAN);
        assert_eq!(later.points.len(), 1, "what is no number is left out");
        let mut families = vec![many, later];
        bound(&mut families);
        assert_eq!(families.len(), 1);
        assert_eq!(families[0].points.len(), MAX_POINTS);
    }
}
