//! E-mail through somebody's SMTP server.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor};
use slipway_core::channel::{Mail, MailSecurity};
use slipway_core::name::Email;
use slipway_core::outbound::Host;
use slipway_core::time::Millis;
use slipway_store::{Message, Owed};

use super::NotifyError;
use crate::outbound::{Outbound, OutboundError, PATIENCE};

/// How long the whole conversation may take; each of its steps has the patience of all that is
/// outbound. Shorter than the time after which a message counts as owed again.
const CONVERSATION: Duration = Duration::from_secs(20);

/// Sends a message to all recipients of a channel at once.
///
/// # Errors
/// When no server took it.
pub async fn send(outbound: &Outbound, mail: &Mail, owed: &Owed) -> Result<(), NotifyError> {
    let letter = compose(mail, owed)?;
    let timed_out = OutboundError::TimedOut { host: mail.host.clone() };
    let conversation = converse(outbound, mail, letter);
    tokio::time::timeout(CONVERSATION, conversation).await.map_err(|_| timed_out)?
}

async fn converse(outbound: &Outbound, mail: &Mail, letter: Letter) -> Result<(), NotifyError> {
    let mut last = None;
    for address in outbound.addresses(&mail.host, mail.port).await? {
        let Err(error) = transport(mail, address)?.send(letter.clone()).await else {
            return Ok(());
        };
        let lasting = error.is_permanent();
        let refused = NotifyError::Mail { problem: causes(&error), lasting };
        // What one address answered, another of the same server would repeat.
        if lasting || error.is_transient() {
            return Err(refused);
        }
        last = Some(refused);
    }
    last.map_or(Ok(()), Err)
}

/// A connection to a checked address, protected under the name that was asked for.
fn transport(
    mail: &Mail,
    address: SocketAddr,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotifyError> {
    let parameters = || {
        TlsParameters::new(mail.host.to_string())
            .map_err(|error| NotifyError::Compose(causes(&error)))
    };
    let tls = match mail.security {
        MailSecurity::Starttls => Tls::Required(parameters()?),
        MailSecurity::Tls => Tls::Wrapper(parameters()?),
        MailSecurity::None => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .hello_name(ClientId::Domain("slipway.localhost".to_owned()))
        .timeout(Some(PATIENCE))
        .tls(tls);
    let credentials = mail.username.clone().zip(mail.password.clone());
    Ok(match credentials {
        Some((name, password)) => builder.credentials(Credentials::new(name, password)).build(),
        None => builder.build(),
    })
}

fn compose(mail: &Mail, owed: &Owed) -> Result<Letter, NotifyError> {
    let composing = |error: &dyn std::error::Error| NotifyError::Compose(causes(error));
    let mailbox = |address: &Email| {
        let parsed = address.as_str().parse::<Address>().map_err(|error| composing(&error))?;
        Ok::<_, NotifyError>(Mailbox::new(None, parsed))
    };
    let domain = match &mail.host {
        Host::Name(name) => name.to_string(),
        Host::Address(_) => "slipway.localhost".to_owned(),
    };
    let mut letter = Letter::builder()
        .from(mailbox(&mail.from)?)
        .subject(owed.message.subject())
        // The same when a message is sent again, so that mail programs show it once.
        .message_id(Some(format!("<{}@{domain}>", owed.id)))
        .header(ContentType::TEXT_PLAIN);
    for recipient in &mail.to {
        letter = letter.to(mailbox(recipient)?);
    }
    letter.body(text(&owed.message)).map_err(|error| composing(&error))
}

fn text(message: &Message) -> String {
    let (headline, firing) = match message {
        Message::Fires { firing } => (&firing.sentence, firing),
        Message::Ends { firing } => (firing.ending.as_ref().unwrap_or(&firing.sentence), firing),
        Message::Test { .. } => return format!("{}\n", message.subject()),
    };
    let app = firing.app.as_ref().map_or("the host".to_owned(), ToString::to_string);
    let lasted = firing.ended_at.map(|at| at.since(firing.started_at));
    let lasted = lasted.map(|Millis(ms)| format!("Lasted: {}\n", Millis(ms))).unwrap_or_default();
    format!(
        "{headline}\n\nOf: {app}\nAlert: {}\nSeverity: {}\n{lasted}",
        firing.alert,
        firing.severity.as_str()
    )
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
