//! Access tokens: JWTs of 15 minutes, signed with HS256 and nothing else.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use slipway_core::id::{InstallationId, SessionId, UserId};
use slipway_core::time::{Millis, Timestamp};

/// How long an access token is good.
pub const LIFETIME: Millis = Millis::from_secs(15 * 60);
const ISSUER: &str = "slipway";
const LEEWAY_S: u64 = 5;

/// What a token says. It names a person and a session; what these may do is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub sub: UserId,
    pub sid: SessionId,
    iss: String,
    aud: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs and verifies the access tokens of one installation.
#[derive(Clone)]
pub struct AccessTokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    audience: String,
}

impl AccessTokens {
    /// With the installation's signing key; tokens of another installation are not valid here.
    pub fn new(key: &[u8], installation: &InstallationId) -> Self {
        let audience = installation.to_string();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "nbf", "sub", "aud", "iss"]);
        validation.set_audience(&[&audience]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Self {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
            validation,
            audience,
        }
    }

    /// A token for a session, and when it ends.
    ///
    /// # Errors
    /// When signing fails, which is a defect.
    pub fn issue(
        &self,
        user: &UserId,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<(String, Timestamp), jsonwebtoken::errors::Error> {
        let expires = now + LIFETIME;
        let claims = Claims {
            sub: user.clone(),
            sid: session.clone(),
            iss: ISSUER.to_owned(),
            aud: self.audience.clone(),
            jti: format!("{:032x}", rand::random::<u128>()),
            iat: now.0 / 1000,
            nbf: now.0 / 1000,
            exp: expires.0 / 1000,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        Ok((token, expires))
    }

    /// What a token says, when it was signed here, for us, and is good now.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        decode::<Claims>(token, &self.verifying, &self.validation).ok().map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use slipway_core::id::Id;

    use super::*;

    const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn tokens() -> AccessTokens {
        AccessTokens::new(KEY, &InstallationId::from_bits(1))
    }

    fn now() -> Timestamp {
        slipway_store::clock::now()
    }

    fn issued() -> String {
        tokens().issue(&UserId::from_bits(2), &SessionId::from_bits(3), now()).unwrap().0
    }

    fn claims() -> Value {
        let payload = issued().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    fn signed(header: &Header, claims: &Value, key: &[u8]) -> String {
        encode(header, claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_of_ours_names_its_person_and_session() {
        let claims = tokens().verify(&issued()).unwrap();
        assert_eq!((claims.sub, claims.sid), (UserId::from_bits(2), SessionId::from_bits(3)));
    }

    #[test]
    fn unsigned_tokens_and_other_algorithms_are_refused() {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for algorithm in ["none", "None", "nOnE"] {
            let header = encoded(&json!({"alg": algorithm, "typ": "JWT"}));
            assert!(tokens().verify(&format!("{header}.{}.", encoded(&claims()))).is_none());
        }
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            let token = signed(&Header::new(algorithm), &claims(), KEY);
            assert!(tokens().verify(&token).is_none(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_installation_is_refused() {
        let header = Header::new(Algorithm::HS256);
        assert!(tokens().verify(&signed(&header, &claims(), KEY)).is_some());
        assert!(tokens().verify(&signed(&header, &claims(), b"another key")).is_none());
        let elsewhere = AccessTokens::new(KEY, &InstallationId::from_bits(9));
        assert!(elsewhere.verify(&issued()).is_none());
        let mut named = header;
        named.kid = Some("../../dev/null".to_owned());
        assert!(tokens().verify(&signed(&named, &claims(), b"another key")).is_none());
    }

    #[test]
    fn every_claim_is_required_and_checked() {
        let header = Header::new(Algorithm::HS256);
        for name in ["sub", "sid", "iss", "aud", "jti", "nbf", "exp"] {
            let mut without = claims();
            without.as_object_mut().unwrap().remove(name);
            assert!(tokens().verify(&signed(&header, &without, KEY)).is_none(), "without {name}");
        }
        let seconds = now().0 / 1000;
        for (name, value) in [
            ("exp", json!(seconds - 60)),
            ("nbf", json!(seconds + 60)),
            ("iss", json!("somebody")),
            ("aud", json!("elsewhere")),
            ("sub", json!("usr_x")),
            ("role", json!("admin")),
        ] {
            let mut changed = claims();
            changed[name] = value;
            assert!(tokens().verify(&signed(&header, &changed, KEY)).is_none(), "changed {name}");
        }
    }
}
