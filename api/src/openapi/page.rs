//! `/docs`: the document as a page to read. It is written here, whole: no script, no other host.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::openapi::TEXT;

const STYLE: &str = include_str!("page.css");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document = serde_json::from_str(&TEXT).expect("the document is valid JSON");
    render(&document)
});

/// Allows the page its own style, named by its digest, and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    use base64::Engine as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    HeaderValue::from_str(&format!(
        "default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    ))
    .expect("base 64 fits into a header")
});

/// The page.
#[utoipa::path(get, path = "/docs", operation_id = "docs", tag = "server",
    responses((status = 200, description = "A page to read", content_type = "text/html")))]
pub async fn show() -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 1] =
        [(header::CONTENT_SECURITY_POLICY, POLICY.clone())];
    (headers, Html(PAGE.as_str()))
}

fn render(document: &Value) -> String {
    let mut page = String::new();
    let title = text(&document["info"]["title"]);
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} API</title><style>{STYLE}</style>\
         <h1>{title} API</h1><p>{}</p><p><a href=\"/openapi.json\">openapi.json</a></p>",
        text(&document["info"]["description"]),
    );
    for tag in array(&document["tags"]) {
        let _ = write!(page, "<h2>{}</h2><p>{}</p>", text(&tag["name"]), text(&tag["description"]));
        operations_of(document, &tag["name"], &mut page);
    }
    page.push_str("<h2>Schemas</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        let _ = write!(
            page,
            "<details id=\"schema-{0}\"><summary><code>{0}</code> {1}</summary><pre>{2}</pre></details>",
            escape(name),
            text(&schema["description"]),
            escape(&pretty(schema)),
        );
    }
    page.push_str("</html>\n");
    page
}

fn operations_of(document: &Value, tag: &Value, page: &mut String) {
    for (path, item) in entries(&document["paths"]) {
        for method in METHODS {
            let operation = &item[method];
            if array(&operation["tags"]).contains(&tag) {
                self::operation(path, method, operation, page);
            }
        }
    }
}

fn operation(path: &str, method: &str, operation: &Value, page: &mut String) {
    let _ = write!(
        page,
        "<details><summary><b>{}</b> <code>{}</code> <span>{}</span></summary><p>{}</p>",
        method.to_uppercase(),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"]),
    );
    let _ = write!(page, "<p>Scope: {}</p>", scope(operation));
    let parameters = array(&operation["parameters"]);
    if !parameters.is_empty() {
        page.push_str("<ul>");
        for parameter in parameters {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            let meaning = text(&parameter["description"]);
            let _ = write!(page, "<li><code>{name}</code> ({place}) {meaning}</li>");
        }
        page.push_str("</ul>");
    }
    for (kind, content) in entries(&operation["requestBody"]["content"]) {
        let _ = write!(page, "<p>Takes <code>{}</code> {}</p>", escape(kind), schema(content));
    }
    for (status, response) in entries(&operation["responses"]) {
        let _ = write!(page, "<p>{}: {}", escape(status), text(&response["description"]));
        for (_, content) in entries(&response["content"]) {
            let _ = write!(page, " {}", schema(content));
        }
        page.push_str("</p>");
    }
    page.push_str("</details>");
}

fn scope(operation: &Value) -> String {
    let security = array(&operation["security"]);
    let scope = security.first().map(|it| text(&it["credential"][0])).unwrap_or_default();
    if scope.is_empty() { "none, anybody may".to_owned() } else { format!("<code>{scope}</code>") }
}

/// A link to the schema of a body, or of its items.
fn schema(content: &Value) -> String {
    let direct = &content["schema"];
    let (reference, many) = match direct["$ref"].as_str() {
        Some(reference) => (Some(reference), ""),
        None => (direct["items"]["$ref"].as_str(), "[]"),
    };
    let Some(name) = reference.and_then(|it| it.rsplit('/').next()) else { return String::new() };
    let name = escape(name);
    format!("<a href=\"#schema-{name}\"><code>{name}{many}</code></a>")
}

fn array(value: &Value) -> Vec<&Value> {
    value.as_array().map(|items| items.iter().collect()).unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let document: Value = serde_json::from_str(&TEXT).unwrap();
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in entries(item) {
                let heading = format!("<b>{}</b> <code>{path}</code>", method.to_uppercase());
                assert!(PAGE.contains(&heading), "{method} {path}");
                assert!(!array(&operation["tags"]).is_empty(), "{method} {path} has no tag");
            }
        }
    }

    #[test]
    fn the_page_needs_no_script_and_no_other_host() {
        for needle in ["<script", "http://", "https://", "src=", "@import", "url("] {
            assert!(!PAGE.contains(needle), "{needle}");
        }
        assert!(POLICY.to_str().unwrap().contains("default-src 'none'"));
    }
}
