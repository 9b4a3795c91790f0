//! The variables that tell an app which names it answers at.
//!
//! Django refuses requests for any other name, and projects read the lists under several names.

use crate::name::ConfigKey;

/// Host names with commas between them.
pub const HOSTS: [&str; 2] = ["ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS"];
/// The same as origins: `http://shop.example.com:8080`.
pub const ORIGINS: [&str; 2] = ["CSRF_TRUSTED_ORIGINS", "DJANGO_CSRF_TRUSTED_ORIGINS"];

/// Whether an app that is configured with these keys learns its names from Slipway. It does not
/// when it sets both lists itself, each under whichever name.
pub fn lists_names<'a>(keys: impl IntoIterator<Item = &'a ConfigKey>) -> bool {
    let keys: Vec<&str> = keys.into_iter().map(ConfigKey::as_str).collect();
    let sets = |names: [&str; 2]| names.iter().any(|name| keys.contains(name));
    !(sets(HOSTS) && sets(ORIGINS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_sets_both_lists_itself_is_told_nothing() {
        for (set, listed) in [
            (&[][..], true),
            (&["DATABASE_URL"], true),
            (&["ALLOWED_HOSTS"], true),
            (&["ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS"], true),
            (&["ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"], false),
            (&["DJANGO_ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "A"], false),
        ] {
            let keys: Vec<ConfigKey> = set.iter().map(|key| key.parse().unwrap()).collect();
            assert_eq!(lists_names(&keys), listed, "{set:?}");
        }
    }
}
