//! Image references, and which of Slipway's own bases can stand in for a well-known one.

use crate::source::base::Family;
use crate::source::version::VersionWish;

/// A base of Slipway's own that does the job of a well-known image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    pub family: Family,
    /// The version that the reference asks for.
    pub wish: Option<VersionWish>,
}

/// What can stand in for this reference: for the official images of Python, Node.js, Debian and
/// nginx. `None` for any other.
pub fn stand_in(reference: &str) -> Option<StandIn> {
    let name = reference.split('@').next()?;
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let (name, tag) = name.split_once(':').unwrap_or((name, "latest"));
    let family = match name {
        "python" => Family::Python,
        "node" => Family::Node,
        "debian" => Family::Debian,
        "nginx" => Family::Static,
        _ => return None,
    };
    let version = tag.split('-').next().unwrap_or_default();
    let version = match family {
        Family::Debian => debian_version(version),
        // Which nginx it is decides nothing that a site could notice.
        Family::Static => "",
        Family::Python | Family::Node => version,
    };
    Some(StandIn { family, wish: VersionWish::parse(version, reference) })
}

fn debian_version(tag: &str) -> &str {
    match tag {
        "bullseye" | "oldstable" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "stable" => "",
        number => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reference: &str) -> Option<String> {
        let StandIn { family, wish } = stand_in(reference)?;
        let wish = wish.map_or_else(|| "any".to_owned(), |wish| wish.text);
        Some(format!("{} {wish}", family.as_str()))
    }

    #[test]
    fn only_official_images_have_stand_ins() {
        assert_eq!(shown("python:3.12-slim").as_deref(), Some("python 3.12"));
        assert_eq!(shown("docker.io/library/python:3").as_deref(), Some("python 3"));
        assert_eq!(shown("python").as_deref(), Some("python any"));
        assert_eq!(shown("node:20.11.1-bookworm-slim@sha256:00").as_deref(), Some("node 20.11.1"));
        assert_eq!(shown("node:lts-slim").as_deref(), Some("node any"));
        assert_eq!(shown("debian:bookworm-slim").as_deref(), Some("debian 12"));
        assert_eq!(shown("nginx:1.27-alpine").as_deref(), Some("static any"));
        for other in
            ["golang:1.22", "ghcr.io/me/python:3", "me/python", "alpine", "localhost:5000/python"]
        {
            assert_eq!(shown(other), None, "{other}");
        }
    }
}
