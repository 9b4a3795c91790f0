//! `.dockerignore`: which files of the tree a Dockerfile build does not see.
//!
//! The rules are Docker's: patterns are anchored at the root, `**` spans directories, a pattern
//! that matches a directory covers everything below it, `!` takes back, and the last match wins.

/// Most patterns read; more would make a hostile file expensive.
const MAX_PATTERNS: usize = 1_000;

/// The patterns of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerIgnore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Whether a match takes a path back in.
    keeps: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of names, none included.
    Names,
    /// One name.
    Name(Vec<Glyph>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Glyph {
    /// `*`: any number of characters, none included.
    Characters,
    /// `?`: any one character.
    Character,
    Literal(char),
    /// `[a-z]`, or `[^a-z]` for any other.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl DockerIgnore {
    /// Reads the text. Lines that are no pattern mean nothing, as with Docker.
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let patterns = lines.filter(|line| !line.starts_with('#')).filter_map(Pattern::parse);
        Self { patterns: patterns.take(MAX_PATTERNS).collect() }
    }

    /// Whether the build does not see the file at this path.
    pub fn excludes(&self, path: &str) -> bool {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        let last = self.patterns.iter().rev().find(|pattern| pattern.covers(&names));
        last.is_some_and(|pattern| !pattern.keeps)
    }
}

impl Pattern {
    fn parse(line: &str) -> Option<Self> {
        let (keeps, line) =
            line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim_start()));
        let mut parts = Vec::new();
        for part in line.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                "**" => parts.push(Part::Names),
                name => parts.push(Part::Name(glyphs(name)?)),
            }
        }
        if parts.is_empty() {
            return None;
        }
        // What matches a directory covers everything below it.
        parts.push(Part::Names);
        Some(Self { keeps, parts })
    }

    fn covers(&self, names: &[Vec<char>]) -> bool {
        wildcard(
            &self.parts,
            names,
            |part| *part == Part::Names,
            |part, name| match part {
                Part::Names => true,
                Part::Name(glyphs) => wildcard(
                    glyphs,
                    name,
                    |glyph| *glyph == Glyph::Characters,
                    |glyph, c| glyph.holds(*c),
                ),
            },
        )
    }
}

impl Glyph {
    fn holds(&self, c: char) -> bool {
        match self {
            Self::Characters | Self::Character => true,
            Self::Literal(literal) => *literal == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Matches a sequence against a pattern in which some elements stand for any number of items.
/// Only the latest of those is ever widened, so the time is at most the product of the lengths.
fn wildcard<P, T>(
    pattern: &[P],
    items: &[T],
    is_any: impl Fn(&P) -> bool,
    holds: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut widened: Option<(usize, usize)> = None;
    while item < items.len() {
        match pattern.get(at) {
            Some(any) if is_any(any) => {
                widened = Some((at, item));
                at += 1;
            }
            Some(one) if holds(one, &items[item]) => {
                at += 1;
                item += 1;
            }
            _ => {
                let Some((any, from)) = widened else { return false };
                widened = Some((any, from + 1));
                at = any + 1;
                item = from + 1;
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

/// Reads one name's glob; `\` takes the next character itself. `None` for an endless class.
fn glyphs(name: &str) -> Option<Vec<Glyph>> {
    let mut glyphs = Vec::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        glyphs.push(match c {
            '*' => Glyph::Characters,
            '?' => Glyph::Character,
            '\\' => Glyph::Literal(rest.next()?),
            '[' => {
                let (class, after) = rest.as_str().split_once(']')?;
                rest = after.chars();
                class_of(class)
            }
            literal => Glyph::Literal(literal),
        });
    }
    Some(glyphs)
}

fn class_of(text: &str) -> Glyph {
    let negated = text.starts_with('^');
    let characters: Vec<char> = text.trim_start_matches('^').chars().collect();
    let mut ranges = Vec::new();
    let mut rest = characters.as_slice();
    while let [low, after @ ..] = rest {
        if let ['-', high, after @ ..] = after {
            ranges.push((*low, *high));
            rest = after;
        } else {
            ranges.push((*low, *low));
            rest = after;
        }
    }
    Glyph::Class { negated, ranges }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded<'a>(text: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let ignore = DockerIgnore::parse(text);
        paths.iter().copied().filter(|path| ignore.excludes(path)).collect()
    }

    #[test]
    fn patterns_are_anchored_at_the_root() {
        let paths = ["a.pyc", "app/a.pyc", "node_modules/x/y.js", "web/node_modules/x.js"];
        assert_eq!(excluded("*.pyc\nnode_modules\n", &paths), ["a.pyc", "node_modules/x/y.js"]);
        assert_eq!(
            excluded("**/*.pyc\n/node_modules/\n", &paths),
            ["a.pyc", "app/a.pyc", "node_modules/x/y.js"]
        );
    }

    #[test]
    fn the_last_match_wins() {
        let paths = ["docs/a.md", "README.md", "docs/keep/b.md"];
        assert_eq!(excluded("**/*.md\n!README.md\n!docs/keep\n", &paths), ["docs/a.md"]);
        assert_eq!(excluded("*\n!README.md\n", &paths), ["docs/a.md", "docs/keep/b.md"]);
    }

    #[test]
    fn comments_blank_lines_and_nonsense_exclude_nothing() {
        assert!(excluded("# *\n\n  \n[\n..\n/\n", &["a", "# *"]).is_empty());
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let name = "a".repeat(250);
        let path = vec![name.as_str(); 15].join("/");
        let stars = "*a".repeat(100);
        let pattern = format!("{}/{stars}b", vec!["**"; 100].join("/"));
        assert!(excluded(&pattern, &[&path]).is_empty());
    }

    #[test]
    fn classes_and_escapes_are_read() {
        let paths = ["a1", "b1", "-1", "*1", "[x"];
        assert_eq!(excluded("[a-b]1\n", &paths), ["a1", "b1"]);
        assert_eq!(excluded("[^a-b]1\n", &paths), ["-1", "*1"]);
        assert_eq!(excluded("\\*1\n", &paths), ["*1"]);
        assert_eq!(excluded("?1", &paths), ["a1", "b1", "-1", "*1"]);
    }
}
