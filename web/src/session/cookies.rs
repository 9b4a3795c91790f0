//! The console's two cookies: the session, and the form token of somebody who has none yet.

use std::time::Duration;

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::session::BrowserSession;

/// Makes and reads the cookies, as the public address demands.
pub struct Cookies {
    /// The `__Host-` prefix keeps apps on sibling domains from setting these cookies; browsers
    /// demand HTTPS for it.
    secure: bool,
}

impl Cookies {
    pub fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The session of this browser, when it has one.
    pub fn session(&self, jar: &CookieJar) -> Option<BrowserSession> {
        BrowserSession::decode(jar.get(self.session_name())?.value())
    }

    /// What a form of this browser must carry.
    pub fn form_token(&self, jar: &CookieJar) -> Option<String> {
        match self.session(jar) {
            Some(session) => Some(session.form_token),
            None => Some(jar.get(self.form_name())?.value().to_owned()),
        }
    }

    /// Keeps a session for as long as it can be renewed.
    pub fn keep_session(&self, session: &BrowserSession, lifetime: Duration) -> Cookie<'static> {
        let mut cookie = self.cookie(self.session_name(), session.encode());
        // A lifetime that does not fit leaves a cookie that ends with the browser.
        if let Ok(max_age) = lifetime.try_into() {
            cookie.set_max_age(Some(max_age));
        }
        cookie
    }

    /// Ends the session in the browser.
    pub fn end_session(&self) -> Cookie<'static> {
        let mut cookie = self.cookie(self.session_name(), String::new());
        cookie.make_removal();
        cookie
    }

    /// Keeps the form token of somebody who is not signed in, until the browser is closed.
    pub fn keep_form_token(&self, token: &str) -> Cookie<'static> {
        self.cookie(self.form_name(), token.to_owned())
    }

    fn session_name(&self) -> &'static str {
        if self.secure { "__Host-slipway-session" } else { "slipway-session" }
    }

    fn form_name(&self) -> &'static str {
        if self.secure { "__Host-slipway-form" } else { "slipway-form" }
    }

    fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> BrowserSession {
        BrowserSession {
            access_token: "access".to_owned(),
            refresh_token: "refresh".to_owned(),
            form_token: "form".to_owned(),
            email: "ada@example.com".parse().unwrap(),
        }
    }

    fn flags(cookie: &Cookie<'_>) -> String {
        let text = cookie.to_string();
        text.split_once("; ").map(|(_, flags)| flags.to_owned()).unwrap()
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let day = Duration::from_hours(24);
        let https = Cookies::new(true).keep_session(&session(), day);
        assert!(https.name().starts_with("__Host-"));
        assert_eq!(flags(&https), "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400");
        let plain = Cookies::new(false).keep_session(&session(), day);
        assert_eq!(flags(&plain), "HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
        let form = Cookies::new(true).keep_form_token("token");
        assert_eq!(flags(&form), "HttpOnly; SameSite=Lax; Secure; Path=/");
    }

    #[test]
    fn a_session_ends_with_the_flags_it_began_with() {
        let ended = Cookies::new(true).end_session();
        assert_eq!(ended.value(), "");
        assert!(flags(&ended).starts_with("HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"));
    }

    #[test]
    fn a_session_survives_the_browser_and_nonsense_is_no_session() {
        let cookies = Cookies::new(false);
        let kept = cookies.keep_session(&session(), Duration::from_secs(1));
        let jar = CookieJar::new().add(kept);
        let read = cookies.session(&jar).unwrap();
        assert_eq!((read.refresh_token, read.form_token), ("refresh".into(), "form".into()));
        assert_eq!(cookies.form_token(&jar).as_deref(), Some("form"));
        for nonsense in ["", "x", "e30", "%00"] {
            let jar = CookieJar::new().add(Cookie::new("slipway-session", nonsense));
            assert!(cookies.session(&jar).is_none(), "{nonsense}");
        }
    }
}
