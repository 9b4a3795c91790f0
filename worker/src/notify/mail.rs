//! E-mail through somebody's SMTP server.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message as Letter};
use slipway_core::channel::{Mail, MailSecurity};
use slipway_core::name::Email;
use slipway_core::outbound::Host;
use slipway_core::time::Millis;
use slipway_store::{Message, Owed};

use super::NotifyError;
use crate::outbound::{Outbound, OutboundError, PATIENCE};

/// How long the whole conversation may take, with all recipients. Shorter than the time after which a
/// message counts as owed again.
const CONVERSATION: Duration = Duration::from_secs(25);

/// What became of a letter, by recipient. Who is in neither list was not asked.
#[derive(Default)]
struct Outcome {
    taken: Vec<Address>,
    refused: Vec<(Address, String)>,
}

/// Sends a message to the recipients of a channel, each in an envelope of its own: one that the
/// server refuses costs nobody else the message. It is sent when it was taken for one of them; who
/// does not get it is in Slipway's log then.
///
/// # Errors
/// When it was taken for nobody.
pub async fn send(outbound: &Outbound, mail: &Mail, owed: &Owed) -> Result<(), NotifyError> {
    let letter = compose(mail, owed)?;
    let mut outcome = Outcome::default();
    let conversation = converse(outbound, mail, &letter, &mut outcome);
    let ended = tokio::time::timeout(CONVERSATION, conversation).await;
    let timed_out = || OutboundError::TimedOut { host: mail.host.clone() };
    settle(&letter, &outcome, ended.unwrap_or_else(|_| Err(timed_out().into())))
}

fn settle(
    letter: &Letter,
    outcome: &Outcome,
    ended: Result<(), NotifyError>,
) -> Result<(), NotifyError> {
    let mut problems: Vec<String> =
        outcome.refused.iter().map(|(address, said)| format!("`{address}`: {said}")).collect();
    if let Err(error) = ended {
        if problems.is_empty() && outcome.taken.is_empty() {
            return Err(error);
        }
        problems.push(error.to_string());
    }
    let problems = problems.join("; ");
    if outcome.taken.is_empty() {
        return Err(NotifyError::Mail(problems));
    }
    let everybody = letter.envelope().to().iter();
    let missed: Vec<&str> =
        everybody.filter(|it| !outcome.taken.contains(it)).map(AsRef::as_ref).collect();
    if !missed.is_empty() {
        tracing::warn!(missed = missed.join(", "), problems, "a mail was not taken for everybody");
    }
    Ok(())
}

/// Hands the letter over, recipient by recipient, on one connection for as long as that holds.
async fn converse(
    outbound: &Outbound,
    mail: &Mail,
    letter: &Letter,
    outcome: &mut Outcome,
) -> Result<(), NotifyError> {
    let addresses = outbound.addresses(&mail.host, mail.port).await?;
    let text = letter.formatted();
    let mut kept: Option<AsyncSmtpConnection> = None;
    for recipient in letter.envelope().to() {
        if outcome.taken.contains(recipient) {
            continue; // named twice
        }
        let from = letter.envelope().from().cloned();
        let envelope = Envelope::new(from, vec![recipient.clone()])
            .map_err(|error| NotifyError::Compose(causes(&error)))?;
        // The library hangs up after a refusal.
        let mut connection = match kept.take().filter(|kept| !kept.has_broken()) {
            Some(connection) => connection,
            None => connect(mail, &addresses).await?,
        };
        match connection.send(&envelope, &text).await {
            Ok(_) => outcome.taken.push(recipient.clone()),
            Err(error) => outcome.refused.push((recipient.clone(), causes(&error))),
        }
        kept = Some(connection);
    }
    if let Some(mut connection) = kept {
        connection.abort().await;
    }
    Ok(())
}

/// A connection to one of the checked addresses.
async fn connect(
    mail: &Mail,
    addresses: &[SocketAddr],
) -> Result<AsyncSmtpConnection, NotifyError> {
    let parameters = || {
        TlsParameters::new(mail.host.to_string())
            .map_err(|error| NotifyError::Compose(causes(&error)))
    };
    // Under the name that was asked for.
    let tls = match mail.security {
        MailSecurity::Starttls => Tls::Required(parameters()?),
        MailSecurity::Tls => Tls::Wrapper(parameters()?),
        MailSecurity::None => Tls::None,
    };
    let mut problem = "it has no address".to_owned();
    for address in addresses {
        let error = match greet(mail, *address, &tls).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        problem = causes(&error);
        // What one address answered, another of the same server would repeat.
        if error.status().is_some() {
            break;
        }
    }
    Err(NotifyError::Mail(problem))
}

async fn greet(mail: &Mail, address: SocketAddr, tls: &Tls) -> Result<AsyncSmtpConnection, Error> {
    let name = ClientId::Domain("slipway.localhost".to_owned());
    let wrapper = match tls {
        Tls::Wrapper(parameters) => Some(parameters.clone()),
        Tls::None | Tls::Opportunistic(_) | Tls::Required(_) => None,
    };
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, Some(PATIENCE), &name, wrapper, None).await?;
    if let Tls::Required(parameters) = tls {
        connection.starttls(parameters.clone(), &name).await?;
    }
    if let Some((name, password)) = mail.username.clone().zip(mail.password.clone()) {
        let credentials = Credentials::new(name, password);
        connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
    }
    Ok(connection)
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
