//! The style sheet, the script and the icon: part of the program, named by their content.

use std::io::Write as _;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::console::Console;
use crate::failure::Failure;

const STYLE: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/forms.css"),
    include_str!("assets/pages.css"),
    include_str!("assets/console.css"),
    include_str!("assets/uplot.css"),
    include_str!("assets/panels.css"),
    include_str!("assets/watch.css"),
);
/// Made from `web/assets/` by `make assets`.
const SCRIPT: &str = include_str!("assets/console.js");
/// Made from `web/assets/` too; only the metrics page loads it.
const CHARTS: &str = include_str!("assets/charts.js");
const ICON: &str = include_str!("assets/icon.svg");

/// A file that browsers may keep for ever: another content has another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What is served below `/assets/`.
pub struct Assets {
    pub style: Asset,
    pub script: Asset,
    pub charts: Asset,
    pub icon: Asset,
}

/// One file.
pub struct Asset {
    /// Its name, which is its digest: `3f2a9c1b….css`.
    pub name: String,
    content_type: &'static str,
    content: &'static str,
    /// The same in a third of the bytes.
    gzip: Vec<u8>,
}

impl Assets {
    pub fn new() -> Self {
        Self {
            style: Asset::new(STYLE, "css", "text/css; charset=utf-8"),
            script: Asset::new(SCRIPT, "js", "text/javascript; charset=utf-8"),
            charts: Asset::new(CHARTS, "js", "text/javascript; charset=utf-8"),
            icon: Asset::new(ICON, "svg", "image/svg+xml"),
        }
    }

    fn find(&self, name: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.charts, &self.icon]
            .into_iter()
            .find(|asset| asset.name == name)
    }
}

impl Asset {
    fn new(content: &'static str, extension: &str, content_type: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(content));
        let name = format!("{}.{extension}", &digest[..16]);
        Self { name, content_type, content, gzip: gzip(content) }
    }

    /// Where pages find it.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// Serves a file by its name.
pub async fn serve(
    State(console): State<Arc<Console>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(asset) = console.assets.find(&name) else {
        return Failure::NotFound.into_page(&console, None);
    };
    let described =
        [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, FOR_EVER), (VARY, "accept-encoding")];
    if takes_gzip(&headers) {
        (described, [(CONTENT_ENCODING, "gzip")], asset.gzip.clone()).into_response()
    } else {
        (described, asset.content).into_response()
    }
}

/// Whether a browser names gzip, as all of them do. One that refuses it with `q=0` names it too,
/// and does not exist.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("gzip"))
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).expect("memory takes what is written to it");
    encoder.finish().expect("memory takes what is written to it")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The colours of one theme, from the style sheet: `muted` is `5d626d`.
    fn theme(block: &str) -> BTreeMap<&str, &str> {
        block
            .lines()
            .take_while(|line| !line.trim().starts_with('}'))
            .filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"))
            .collect()
    }

    /// Relative luminance after WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        let mut roots = STYLE.split(":root {");
        let (light, dark) = (roots.nth(1).unwrap(), roots.next().unwrap());
        for colours in [theme(light), theme(dark)] {
            let grounds = ["ground", "surface", "sunken"];
            let texts =
                ["text", "muted", "accent", "good", "busy", "warn", "bad", "magenta", "cyan"];
            let everywhere = texts.iter().flat_map(|text| grounds.map(|ground| (*text, ground)));
            let somewhere = [
                ("on-accent", "accent"),
                ("accent", "accent-soft"),
                ("bad", "bad-soft"),
                ("warn", "warn-soft"),
            ];
            for (text, ground) in everywhere.chain(somewhere) {
                let contrast = contrast(colours[text], colours[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
    }

    /// A first load is a page, which stays below 20 KB, and these.
    #[test]
    fn a_first_load_is_small() {
        let assets = Assets::new();
        let loaded = [&assets.style, &assets.script, &assets.charts, &assets.icon];
        let transferred = loaded.map(|it| it.gzip.len());
        let transferred: usize = transferred.iter().sum();
        assert!(transferred < 100_000, "{transferred} bytes");
    }

    #[test]
    fn another_content_has_another_name() {
        let name = |content| Asset::new(content, "css", "text/css").name;
        assert_ne!(name("a{}"), name("b{}"));
    }
}
