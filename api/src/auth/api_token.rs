//! API tokens: 256 random bits that people paste, of which only a hash is stored.

use sha2::{Digest, Sha256};

/// What every API token begins with, so that scanners of leaked secrets can know it.
pub const PREFIX: &str = "slp_";
const RANDOM_CHARACTERS: usize = 43;

/// The token around 43 random characters of the URL-safe base 64 alphabet.
pub fn from_random(random: &str) -> String {
    format!("{PREFIX}{random}")
}

/// Whether a credential has the shape of an API token; anything else is tried as an access token.
pub fn is_api_token(credential: &str) -> bool {
    credential.strip_prefix(PREFIX).is_some_and(|random| {
        random.len() == RANDOM_CHARACTERS
            && random
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// What is stored of a secret with 256 bits of its own: no salt and no stretching is needed.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_shape_is_an_api_token() {
        let token = from_random(&slipway_store::mint::secret());
        assert!(is_api_token(&token), "{token}");
        assert!(!is_api_token(&token[1..]));
        assert!(!is_api_token(&token[..20]));
        assert!(!is_api_token(&format!("{token}a")));
        assert!(!is_api_token(&token.replace("slp_", "slp.")));
    }

    #[test]
    fn a_hash_does_not_hold_its_secret() {
        let hash = hash("slp_abc");
        assert_eq!(hash.len(), 64);
        assert!(!hash.contains("slp_"));
    }
}
