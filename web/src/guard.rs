//! What every form must pass before it is read: it was sent by a page of this console, and that
//! page was made for this browser.
//!
//! The first is judged by `Sec-Fetch-Site`, which no page can forge, or by `Origin` where a browser
//! does not send the former (plain HTTP that is not on this machine). The second is judged by a
//! token that is in the form and in a cookie. [`refuse_foreign`] is around every route, and [`Guarded`]
//! is the only way a handler gets at a form.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_client::ServerUrl;
use subtle::ConstantTimeEq as _;

use crate::console::Console;
use crate::failure::Failure;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origin of the address that people type.
pub struct PublicOrigin(String);

impl PublicOrigin {
    pub fn of(url: &ServerUrl) -> Self {
        let url = url.to_string();
        let scheme = url.find("://").map_or(0, |position| position + 3);
        let end = url[scheme..].find('/').map_or(url.len(), |length| scheme + length);
        Self(url[..end].to_owned())
    }

    /// Whether a request was made by one of this console's own pages. One that says nothing about
    /// where it comes from was not.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if headers.contains_key(SEC_FETCH_SITE) {
            return text(SEC_FETCH_SITE) == Some("same-origin");
        }
        let Some(origin) = text(ORIGIN) else { return false };
        // The console may also be reached by another name than the public one, such as an address.
        let host = origin.split_once("://").map(|(_, host)| host);
        origin == self.0 || (host.is_some() && host == text(HOST))
    }
}

/// Refuses what could change something and was not sent by a page of this console.
pub async fn refuse_foreign(
    State(console): State<Arc<Console>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() || console.origin.admits(request.headers()) {
        next.run(request).await
    } else {
        Failure::ForeignForm.into_page(&console, None)
    }
}

/// A form that was made for this browser.
pub struct Guarded<T>(pub T);

#[derive(Deserialize)]
struct TokenAnd<T> {
    form_token: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Console>> for Guarded<T> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Response> {
        let refuse = |failure: Failure| failure.into_page(console, None);
        let jar = CookieJar::from_headers(request.headers());
        let expected = console.cookies.form_token(&jar);
        let form = Form::<TokenAnd<T>>::from_request(request, console).await;
        let Form(form) =
            form.map_err(|error| refuse(Failure::UnreadableForm(error.body_text())))?;
        let matches = expected
            .is_some_and(|expected| expected.as_bytes().ct_eq(form.form_token.as_bytes()).into());
        if matches { Ok(Self(form.fields)) } else { Err(refuse(Failure::ExpiredForm)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(headers: &[(&'static str, &'static str)]) -> bool {
        let public: ServerUrl = "https://slipway.example.com".parse().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        PublicOrigin::of(&public).admits(&headers)
    }

    #[test]
    fn our_own_pages_are_admitted() {
        assert!(admits(&[("sec-fetch-site", "same-origin")]));
        assert!(admits(&[("origin", "https://slipway.example.com")]));
        assert!(admits(&[("origin", "http://10.0.0.5:8080"), ("host", "10.0.0.5:8080")]));
    }

    #[test]
    fn pages_of_others_are_not() {
        for headers in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://slipway.example.com")][..],
            // An app beside the console is not the console.
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://shop.example.com"), ("host", "slipway.example.com")],
            &[("origin", "https://slipway.example.com.evil.example")],
            &[("origin", "null"), ("host", "null")],
            &[("host", "slipway.example.com")],
            &[],
        ] {
            assert!(!admits(headers), "{headers:?}");
        }
    }

    #[test]
    fn the_origin_is_the_address_without_its_path() {
        let origin = |url: &str| PublicOrigin::of(&url.parse().unwrap()).0;
        assert_eq!(origin("https://example.com/slipway"), "https://example.com");
        assert_eq!(origin("http://localhost:8080"), "http://localhost:8080");
    }
}
