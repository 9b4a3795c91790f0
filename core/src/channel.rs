//! Where alerts are sent, and how a message that did not arrive is tried again.

use serde::{Deserialize, Serialize};

use crate::name::Email;
use crate::outbound::{Host, HttpAddress};
use crate::time::Millis;

/// How often a message is tried: for about half an hour.
pub const MOST_ATTEMPTS: u32 = 10;
/// Most addresses of one e-mail channel.
pub const MOST_RECIPIENTS: usize = 20;

/// Where messages go, with the secrets in it. It is stored sealed; [`Target::describe`] is what is
/// shown of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ChannelTarget))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// JSON by POST, signed.
    Webhook {
        url: HttpAddress,
        /// What messages are signed with; made when not given, and shown once.
        #[serde(default)]
        secret: Option<String>,
    },
    /// An incoming webhook of Slack.
    Slack { url: HttpAddress },
    /// A webhook of Discord.
    Discord { url: HttpAddress },
    /// E-mail through an SMTP server.
    Email(Mail),
}

/// E-mail through an SMTP server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = MailTarget))]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub host: Host,
    pub port: u16,
    #[serde(default)]
    pub security: MailSecurity,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    pub from: Email,
    pub to: Vec<Email>,
}

/// How the connection to an SMTP server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS after STARTTLS; a server without it gets nothing. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// None. Never with a password.
    None,
}

/// Why a target cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    #[error("an e-mail channel has 1 to {MOST_RECIPIENTS} recipients")]
    Recipients,
    #[error("a user name and a password go together")]
    Credentials,
    #[error("without TLS a password would travel in the clear")]
    PlainPassword,
    #[error("a secret to sign with has 16 to 256 characters")]
    Secret,
}

impl InvalidTarget {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Recipients => "make a second channel for more",
            Self::Credentials => "give both, or neither",
            Self::PlainPassword => "use `starttls` or `tls`",
            Self::Secret => "leave it out, and a good one is made",
        }
    }
}

impl Target {
    /// The kind's name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Discord { .. } => "discord",
            Self::Email(_) => "email",
        }
    }

    /// The machine it leads to.
    pub fn host(&self) -> &Host {
        match self {
            Self::Webhook { url, .. } | Self::Slack { url } | Self::Discord { url } => url.host(),
            Self::Email(mail) => &mail.host,
        }
    }

    /// One line without a secret: `https://hooks.example.com/…`.
    pub fn describe(&self) -> String {
        match self {
            Self::Webhook { url, .. } | Self::Slack { url } | Self::Discord { url } => url.masked(),
            Self::Email(mail) => {
                let to: Vec<&str> = mail.to.iter().map(Email::as_str).collect();
                format!("{} through {}:{}", to.join(", "), mail.host, mail.port)
            }
        }
    }

    /// Whether the parts go together.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), InvalidTarget> {
        match self {
            Self::Webhook { secret: Some(secret), .. }
                if !(16..=256).contains(&secret.chars().count()) =>
            {
                Err(InvalidTarget::Secret)
            }
            Self::Email(mail) => mail.check(),
            Self::Webhook { .. } | Self::Slack { .. } | Self::Discord { .. } => Ok(()),
        }
    }
}

impl Mail {
    fn check(&self) -> Result<(), InvalidTarget> {
        if !(1..=MOST_RECIPIENTS).contains(&self.to.len()) {
            return Err(InvalidTarget::Recipients);
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(InvalidTarget::Credentials);
        }
        if self.password.is_some() && self.security == MailSecurity::None {
            return Err(InvalidTarget::PlainPassword);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind(), self.describe())
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How long to wait after this many attempts: 5 s, 10 s, 20 s … 10 min. `None` when it is given up.
pub fn retry_after(attempts: u32) -> Option<Millis> {
    if attempts >= MOST_ATTEMPTS {
        return None;
    }
    let seconds = 5_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(600);
    Some(Millis::from_secs(seconds.min(600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            host: "mail.example.com".parse().unwrap(),
            port: 587,
            security: MailSecurity::Starttls,
            username: Some("ada".to_owned()),
            password: Some("hunter2".to_owned()),
            from: "slipway@example.com".parse().unwrap(),
            to: vec!["ada@example.com".parse().unwrap()],
        }
    }

    #[test]
    fn no_secret_is_in_a_description_or_in_debug_output() {
        let url = || "https://hooks.example.com/services/hunter2".parse().unwrap();
        let webhook = Target::Webhook { url: url(), secret: Some("hunter2hunter2hunter2".into()) };
        for target in [webhook, Target::Slack { url: url() }, Target::Email(mail())] {
            let shown = format!("{target:?} {}", target.describe());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let refused = |mail: Mail| Target::Email(mail).check().unwrap_err();
        assert_eq!(refused(Mail { to: Vec::new(), ..mail() }), InvalidTarget::Recipients);
        assert_eq!(refused(Mail { password: None, ..mail() }), InvalidTarget::Credentials);
        let plain = Mail { security: MailSecurity::None, ..mail() };
        assert_eq!(refused(plain), InvalidTarget::PlainPassword);
        assert_eq!(Target::Email(mail()).check(), Ok(()));
    }

    #[test]
    fn waits_grow_up_to_ten_minutes_and_end() {
        let waits: Vec<u64> = (1..20).map_while(retry_after).map(|wait| wait.0 / 1000).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    }
}
