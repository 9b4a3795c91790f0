//! Where a person wanted to go before they were asked to sign in.

use std::fmt;

/// A path of this console, safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// The path itself when it is one of this console's pages, else the list of apps. Anything that
    /// a browser could take for another host (`//host`, `/\host`) is not such a page.
    pub fn parse(text: &str) -> Self {
        let known = ["/apps/", "/deployments/"].iter().any(|prefix| text.starts_with(prefix))
            || ["/events", "/tokens", "/server"].contains(&text);
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte));
        if known && plain { Self(text.to_owned()) } else { Self("/".to_owned()) }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sign-in page that leads back here.
    pub fn sign_in(&self) -> String {
        if self.0 == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={self}") }
    }
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_console_is_returned_to() {
        for path in ["/apps/shop", "/events", "/deployments/dep_0000000000000000000000000a"] {
            assert_eq!(ReturnPath::parse(path).as_str(), path);
        }
    }

    #[test]
    fn nothing_leads_to_another_host() {
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/apps/..//evil.example",
            "/apps/a\r\nSet-Cookie: a=b",
            "/apps/a?x=%2f",
            "javascript:alert(1)",
            "/sign-out",
        ] {
            assert_eq!(ReturnPath::parse(path).as_str(), "/", "{path}");
        }
    }
}
