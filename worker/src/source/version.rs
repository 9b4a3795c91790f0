//! Which versions of a language an app accepts, and where it says so.
//!
//! One reading serves `.python-version`, `requires-python` and npm's `engines`: alternatives of
//! conditions, each an operator and a version. Base images are named by a prefix of a version
//! (`3.12`, `22`), so a condition holds for a candidate when some version with that prefix could
//! meet it.

use std::cmp::Ordering;
use std::fmt;

/// What an app asks for, as it wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionWish {
    /// The text of the wish: `>=3.11`.
    pub text: String,
    /// The file it stands in.
    pub file: String,
    /// Any of these must hold in full.
    alternatives: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Condition {
    operator: Operator,
    version: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Same leading numbers but the last one given, and not older: Python's `~=3.11.2`.
    Compatible,
    /// Same major and not older: npm's `^`.
    Caret,
    /// Same major and minor and not older: npm's `~`.
    Tilde,
}

impl VersionWish {
    /// Reads a wish. `None` when it says nothing usable (`lts/*`, `pypy3.10`, empty), which leaves
    /// the choice to Slipway.
    pub fn parse(text: &str, file: &str) -> Option<Self> {
        let text = text.trim();
        let alternatives: Option<Vec<_>> = text.split("||").map(conditions).collect();
        let alternatives = alternatives.filter(|all| all.iter().any(|one| !one.is_empty()))?;
        Some(Self { text: text.to_owned(), file: file.to_owned(), alternatives })
    }

    /// Whether a version, or a prefix of one, meets the wish: `3.12`, `22`.
    pub fn accepts(&self, candidate: &str) -> bool {
        let Some(candidate) = numbers(candidate) else { return false };
        self.alternatives.iter().any(|all| all.iter().all(|one| one.holds(&candidate)))
    }
}

impl fmt::Display for VersionWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (`{}`)", self.text, self.file)
    }
}

impl Condition {
    fn holds(&self, candidate: &[u32]) -> bool {
        let shared = candidate.len().min(self.version.len());
        let order = candidate[..shared].cmp(&self.version[..shared]);
        let same = order == Ordering::Equal;
        // The condition is finer than the candidate: `<3.12.5` against `3.12`.
        let finer = self.version.len() > shared;
        let starts = |count: usize| {
            let count = count.min(shared);
            candidate[..count] == self.version[..count]
        };
        match self.operator {
            Operator::Equal => same,
            Operator::NotEqual => !same || finer,
            Operator::Less => {
                order == Ordering::Less
                    || (same && self.version[shared..].iter().any(|number| *number > 0))
            }
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater || (same && finer),
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::Compatible => {
                order != Ordering::Less && starts(self.version.len().saturating_sub(1))
            }
            Operator::Caret => order != Ordering::Less && starts(1),
            Operator::Tilde => order != Ordering::Less && starts(2),
        }
    }
}

/// Conditions that must all hold; none for `*`. `None` when the text cannot be read.
fn conditions(text: &str) -> Option<Vec<Condition>> {
    if let Some((low, high)) = text.split_once(" - ") {
        let bound = |operator, text: &str| Some(Condition { operator, version: numbers(text)? });
        return Some(vec![
            bound(Operator::GreaterOrEqual, low)?,
            bound(Operator::LessOrEqual, high)?,
        ]);
    }
    joined(text)
        .split([',', ' '])
        .filter(|word| !word.is_empty() && !matches!(*word, "*" | "x" | "latest" | "node"))
        .map(condition)
        .collect()
}

/// The text without spaces between an operator and its version.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    for c in text.trim().chars() {
        let after_operator = joined.ends_with(['<', '>', '=', '~', '^', '!']);
        if !(c.is_whitespace() && after_operator) {
            joined.push(c);
        }
    }
    joined
}

fn condition(word: &str) -> Option<Condition> {
    const OPERATORS: [(&str, Operator); 11] = [
        ("===", Operator::Equal),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("~=", Operator::Compatible),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("^", Operator::Caret),
        ("~", Operator::Tilde),
        ("=", Operator::Equal),
    ];
    let (operator, version) = OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, word.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, word));
    Some(Condition { operator, version: numbers(version)? })
}

/// The leading numbers of `v3.11.2`, `3.11.*`, `18.x`, `3.12rc1`.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let text = text.trim().trim_start_matches('v');
    let mut numbers = Vec::new();
    for part in text.split('.') {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse() else { break };
        numbers.push(number);
    }
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted<'a>(wish: &str, candidates: &[&'a str]) -> Vec<&'a str> {
        let wish = VersionWish::parse(wish, "file").unwrap();
        candidates.iter().copied().filter(|candidate| wish.accepts(candidate)).collect()
    }

    #[test]
    fn python_wishes_are_understood() {
        let all = ["3.9", "3.10", "3.11", "3.12", "3.13"];
        assert_eq!(accepted("3.12", &all), ["3.12"]);
        assert_eq!(accepted("3.12.4", &all), ["3.12"]);
        assert_eq!(accepted(">=3.11", &all), ["3.11", "3.12", "3.13"]);
        assert_eq!(accepted(">=3.10,<3.12", &all), ["3.10", "3.11"]);
        assert_eq!(accepted(">= 3.10, < 3.12.5", &all), ["3.10", "3.11", "3.12"]);
        assert_eq!(accepted("<3.12.0", &all), ["3.9", "3.10", "3.11"]);
        assert_eq!(accepted("~=3.11", &all), ["3.11", "3.12", "3.13"]);
        assert_eq!(accepted("~=3.11.2", &all), ["3.11"]);
        assert_eq!(accepted("==3.11.*", &all), ["3.11"]);
        assert_eq!(accepted("!=3.11.*,>=3.10", &all), ["3.10", "3.12", "3.13"]);
        assert_eq!(accepted("!=3.11.4,>=3.11,<3.13", &all), ["3.11", "3.12"]);
        assert_eq!(accepted(">3.11", &all), ["3.12", "3.13"]);
        assert_eq!(accepted("^3.10", &all), ["3.10", "3.11", "3.12", "3.13"]);
    }

    #[test]
    fn npm_ranges_are_understood() {
        let all = ["16", "18", "20", "22"];
        assert_eq!(accepted("20", &all), ["20"]);
        assert_eq!(accepted("v20.11.1", &all), ["20"]);
        assert_eq!(accepted("18.x", &all), ["18"]);
        assert_eq!(accepted(">=18", &all), ["18", "20", "22"]);
        assert_eq!(accepted(">=18 <21", &all), ["18", "20"]);
        assert_eq!(accepted("^18.12.0 || >=20.5", &all), ["18", "20", "22"]);
        assert_eq!(accepted("~20.1", &all), ["20"]);
        assert_eq!(accepted("16 - 20", &all), ["16", "18", "20"]);
    }

    #[test]
    fn a_wish_that_says_nothing_leaves_the_choice_open() {
        for text in ["", "  ", "*", "lts/*", "pypy3.10", "latest", "system"] {
            assert_eq!(VersionWish::parse(text, "file"), None, "{text}");
        }
    }
}
