//! The style sheet and the icon: part of the program, named by their content.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::console::Console;
use crate::failure::Failure;

const STYLE: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/pages.css"),
);
const ICON: &str = include_str!("assets/icon.svg");

/// A file that browsers may keep for ever: another content has another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What is served below `/assets/`.
pub struct Assets {
    pub style: Asset,
    pub icon: Asset,
}

/// One file.
pub struct Asset {
    /// Its name, which is its digest: `3f2a9c1b….css`.
    pub name: String,
    content_type: &'static str,
    pub content: &'static str,
}

impl Assets {
    pub fn new() -> Self {
        Self {
            style: Asset::new(STYLE, "css", "text/css; charset=utf-8"),
            icon: Asset::new(ICON, "svg", "image/svg+xml"),
        }
    }

    fn find(&self, name: &str) -> Option<&Asset> {
        [&self.style, &self.icon].into_iter().find(|asset| asset.name == name)
    }
}

impl Asset {
    fn new(content: &'static str, extension: &str, content_type: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(content));
        Self { name: format!("{}.{extension}", &digest[..16]), content_type, content }
    }

    /// Where pages find it.
    pub fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// Serves a file by its name.
pub async fn serve(State(console): State<Arc<Console>>, Path(name): Path<String>) -> Response {
    match console.assets.find(&name) {
        Some(asset) => {
            let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, FOR_EVER)];
            (headers, asset.content).into_response()
        }
        None => Failure::NotFound.into_page(&console, None),
    }
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
            let texts = ["text", "muted", "accent", "good", "busy", "warn", "bad"];
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

    #[test]
    fn another_content_has_another_name() {
        let name = |content| Asset::new(content, "css", "text/css").name;
        assert_ne!(name("a{}"), name("b{}"));
    }
}
