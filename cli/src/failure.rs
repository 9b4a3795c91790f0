//! How a command fails: a sentence, a hint, an exit code.

use std::fmt;

use slipway_client::ClientError;

/// What went wrong, for the person at the terminal.
#[derive(Debug)]
pub struct Failure {
    /// Lower case, no period; empty when there is nothing to say.
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Something did not work: exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
    }

    /// The command was not used rightly: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 2 }
    }

    /// Ends the program with this code and no word of ours.
    pub fn silent(code: u8) -> Self {
        Self { message: String::new(), hint: None, code }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let sign_in = || {
            (error.status() == Some(401))
                .then(|| "run `slipway login`, or check SLIPWAY_TOKEN".to_owned())
        };
        let hint = error.hint().or_else(sign_in);
        Self { message: error.to_string(), hint, code: 1 }
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::wire::error::ErrorBody;

    use super::*;

    #[test]
    fn a_refused_credential_says_how_to_sign_in() {
        let body = ErrorBody {
            code: "unauthenticated".to_owned(),
            message: "the token is not valid".to_owned(),
            hint: None,
            request_id: "req_1".to_owned(),
        };
        let failure = Failure::from(ClientError::Api { status: 401, body, retry_after: None });
        assert_eq!(failure.message(), "the token is not valid");
        assert_eq!(failure.hint_text(), Some("run `slipway login`, or check SLIPWAY_TOKEN"));
        assert_eq!(failure.code(), 1);
    }
}
