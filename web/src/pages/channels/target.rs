//! A channel as a form holds it: all of it text, until it is read.

use serde::{Deserialize, Serialize};
use slipway_core::channel::{Mail, MailSecurity, Target};
use slipway_core::name::{AppName, ChannelName, Email};
use slipway_core::outbound::{Host, HttpAddress};
use slipway_core::wire::channel::NewChannel;

/// What kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Webhook,
    Slack,
    Discord,
    Email,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Webhook, Self::Slack, Self::Discord, Self::Email];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Email => "email",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Webhook => "Webhook",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Email => "E-mail",
        }
    }
}

/// What somebody typed. Addresses and passwords are secret: `Debug` shows neither.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelForm {
    pub kind: Kind,
    name: String,
    app: String,
    url: String,
    smtp: String,
    port: String,
    security: String,
    from: String,
    to: String,
    username: String,
    /// Never sent back to a page.
    #[serde(skip_serializing)]
    password: String,
}

impl std::fmt::Debug for ChannelForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, app, .. } = self;
        f.debug_struct("ChannelForm")
            .field("kind", kind)
            .field("name", name)
            .field("app", app)
            .finish_non_exhaustive()
    }
}

impl ChannelForm {
    /// An empty one.
    pub fn of_kind(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// The channel that was meant.
    ///
    /// # Errors
    /// The first thing that cannot be read, in words.
    pub fn read(&self) -> Result<NewChannel, String> {
        let name = self.name.trim().parse::<ChannelName>().map_err(|error| format!("{error}"))?;
        let app = given(&self.app).map(str::parse::<AppName>).transpose();
        let target = match self.kind {
            Kind::Webhook => Target::Webhook { url: self.address()?, secret: None },
            Kind::Slack => Target::Slack { url: self.address()? },
            Kind::Discord => Target::Discord { url: self.address()? },
            Kind::Email => Target::Email(self.mail()?),
        };
        Ok(NewChannel { name, target, app: app.map_err(|error| format!("{error}"))? })
    }

    fn address(&self) -> Result<HttpAddress, String> {
        self.url.trim().parse::<HttpAddress>().map_err(|error| format!("{error}"))
    }

    fn mail(&self) -> Result<Mail, String> {
        let (security, usual_port) = match self.security.as_str() {
            "tls" => (MailSecurity::Tls, 465),
            "none" => (MailSecurity::None, 25),
            _ => (MailSecurity::Starttls, 587),
        };
        let port = given(&self.port).map(str::parse::<u16>).transpose();
        let to = self.to.split([',', ';', ' ', '\n']).map(str::trim).filter(|to| !to.is_empty());
        let email = |text: &str| text.parse::<Email>().map_err(|error| format!("{error}"));
        Ok(Mail {
            host: self.smtp.trim().parse::<Host>().map_err(|error| format!("{error}"))?,
            port: port.map_err(|_| format!("`{}` is no port", self.port))?.unwrap_or(usual_port),
            security,
            username: given(&self.username).map(str::to_owned),
            password: (!self.password.is_empty()).then(|| self.password.clone()),
            from: email(self.from.trim())?,
            to: to.map(email).collect::<Result<_, _>>()?,
        })
    }
}

fn given(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_has_a_port_that_fits_its_security_and_several_recipients() {
        let form = ChannelForm {
            kind: Kind::Email,
            name: "mail".to_owned(),
            smtp: "mail.example.com".to_owned(),
            security: "tls".to_owned(),
            from: "slipway@example.com".to_owned(),
            to: "ada@example.com, grace@example.com".to_owned(),
            ..ChannelForm::default()
        };
        let Target::Email(mail) = form.read().unwrap().target else { panic!("a mail") };
        assert_eq!((mail.port, mail.to.len(), mail.password), (465, 2, None));
        let bad = ChannelForm { port: "many".to_owned(), ..form };
        assert_eq!(bad.read().unwrap_err(), "`many` is no port");
    }

    #[test]
    fn what_is_secret_shows_nowhere() {
        let form = ChannelForm {
            name: "ops".to_owned(),
            url: "https://hooks.example.com/hunter2".to_owned(),
            password: "hunter2".to_owned(),
            ..ChannelForm::default()
        };
        assert!(!format!("{form:?}").contains("hunter2"));
        assert!(serde_json::to_value(&form).unwrap().get("password").is_none());
        let (name, app) = ("nothing".to_owned(), String::new());
        let refused = ChannelForm { url: "ftp://x".to_owned(), name, app, ..form }.read();
        assert!(refused.err().unwrap().contains("https://"));
    }
}
