//! `slipway alerts channels`, and `slipway alerts test`

use std::time::Duration;

use slipway_core::channel::{Mail, MailSecurity, Target};
use slipway_core::name::{ChannelName, Email};
use slipway_core::outbound::{Host, HttpAddress};
use slipway_core::wire::channel::{Channel, ChannelMade, Delivery, DeliveryState, NewChannel};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::prompt;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// How long a test message is waited for, and how often it is asked after.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// Show and change where alerts are sent
///
/// Receivers inside the server's own networks are refused, unless its operator allows them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway alerts channels
  slipway alerts channels add ops webhook https://hooks.example.com/slipway
  slipway alerts channels remove ops")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the channels, without their secrets
    #[command(after_help = "Examples:
  slipway alerts channels list --json")]
    List,
    /// Add a channel
    ///
    /// With `-a` it gets that app's alerts; without, those of every app and of the host.
    #[command(after_help = "Examples:
  slipway alerts channels add ops webhook https://hooks.example.com/slipway
  slipway alerts channels add chat slack - < address.txt
  slipway alerts channels add mail email --smtp mail.example.com --from slipway@example.com --to ada@example.com --username slipway --password - < password.txt")]
    Add {
        /// Its name
        name: ChannelName,
        #[command(subcommand)]
        target: NewTarget,
    },
    /// Remove a channel, with the messages on their way to it
    #[command(after_help = "Examples:
  slipway alerts channels remove ops")]
    Remove {
        /// Its name
        name: ChannelName,
    },
}

#[derive(Debug, clap::Subcommand)]
enum NewTarget {
    /// JSON by POST, signed; the secret to check it with is shown once
    #[command(after_help = "Examples:
  slipway alerts channels add ops webhook https://hooks.example.com/slipway

The header `slipway-signature` is `t=SECONDS,v1=HEX`: the HMAC-SHA256 of SECONDS, a full stop and the
body, with the secret as the key.")]
    Webhook {
        /// Where to; `-` reads it from standard input
        url: String,
    },
    /// An incoming webhook of Slack
    #[command(after_help = "Examples:
  slipway alerts channels add chat slack - < address.txt")]
    Slack {
        /// Where to; `-` reads it from standard input
        url: String,
    },
    /// A webhook of Discord
    #[command(after_help = "Examples:
  slipway alerts channels add chat discord - < address.txt")]
    Discord {
        /// Where to; `-` reads it from standard input
        url: String,
    },
    /// E-mail through an SMTP server
    #[command(after_help = "Examples:
  slipway alerts channels add mail email --smtp mail.example.com --from slipway@example.com --to ada@example.com --username slipway --password - < password.txt
  slipway alerts channels add local email --smtp 127.0.0.1 --port 25 --plain --from slipway@example.com --to ada@example.com")]
    Email(EmailArgs),
}

#[derive(Debug, clap::Args)]
struct EmailArgs {
    /// The server
    #[arg(long, value_name = "HOST")]
    smtp: Host,
    /// Its port; 587, or 465 with `--tls`, or 25 with `--plain`
    #[arg(long)]
    port: Option<u16>,
    /// TLS from the first byte, instead of STARTTLS
    #[arg(long, conflicts_with = "plain")]
    tls: bool,
    /// No TLS at all; never with a password
    #[arg(long)]
    plain: bool,
    /// Who it is from
    #[arg(long, value_name = "ADDRESS")]
    from: Email,
    /// Who it is for; several times for several
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<Email>,
    /// Who signs in to the server
    #[arg(long, value_name = "NAME", requires = "password")]
    username: Option<String>,
    /// With this; `-` reads it from standard input
    #[arg(long, value_name = "PASSWORD", requires = "username")]
    password: Option<String>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let printer = &invocation.printer;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => {
            let channels = client.channels().await?;
            printer.show(&channels, |view| render(view, &channels))
        }
        Verb::Add { name, target } => {
            let app = invocation.global.app.clone();
            let request = NewChannel { name, target: target.target()?, app };
            let made = client.create_channel(&request).await?;
            printer.show(&made, |_| describe(&made))?;
            if !printer.json && made.secret.is_some() {
                printer.note("this is the only time its secret is shown");
            }
            Ok(())
        }
        Verb::Remove { name } => {
            client.remove_channel(&name).await?;
            printer.say(&format!("removed {name}"))
        }
    }
}

/// Sends a message and waits for what becomes of its first attempt.
pub async fn test(invocation: &Invocation, name: &ChannelName) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let owed = client.test_channel(name).await?;
    let settled = async {
        loop {
            let deliveries = client.deliveries(name).await?;
            let found = deliveries.into_iter().find(|delivery| delivery.id == owed.id);
            if let Some(delivery) = found
                && (delivery.state != DeliveryState::Waiting || delivery.last_error.is_some())
            {
                return Ok::<Delivery, Failure>(delivery);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let delivery = tokio::time::timeout(PATIENCE, settled).await.map_err(|_| {
        Failure::new(format!("no message to `{name}` was tried within 30 s"))
            .hint("`slipway status` says whether the worker runs")
    })??;
    if delivery.state == DeliveryState::Sent {
        return invocation.printer.show(&delivery, |_| format!("{name} got the message\n"));
    }
    let why = delivery.last_error.unwrap_or_default();
    Err(Failure::new(format!("{name} did not get the message: {}", word(&why))))
}

impl NewTarget {
    fn target(self) -> Result<Target, Failure> {
        Ok(match self {
            Self::Webhook { url } => Target::Webhook { url: address(url)?, secret: None },
            Self::Slack { url } => Target::Slack { url: address(url)? },
            Self::Discord { url } => Target::Discord { url: address(url)? },
            Self::Email(args) => Target::Email(args.mail()?),
        })
    }
}

impl EmailArgs {
    fn mail(self) -> Result<Mail, Failure> {
        let (security, port) = match (self.tls, self.plain) {
            (true, _) => (MailSecurity::Tls, 465),
            (false, true) => (MailSecurity::None, 25),
            (false, false) => (MailSecurity::Starttls, 587),
        };
        Ok(Mail {
            host: self.smtp,
            port: self.port.unwrap_or(port),
            security,
            username: self.username,
            password: self.password.map(given).transpose()?,
            from: self.from,
            to: self.to,
        })
    }
}

fn address(text: String) -> Result<HttpAddress, Failure> {
    given(text)?.trim().parse().map_err(|error| Failure::usage(format!("{error}")))
}

/// The text, or what standard input holds.
fn given(text: String) -> Result<String, Failure> {
    if text == "-" { prompt::standard_input() } else { Ok(text) }
}

fn describe(made: &ChannelMade) -> String {
    let channel = &made.channel;
    let whose = match &channel.app {
        Some(app) => format!("the alerts of {app}"),
        None => "every alert".to_owned(),
    };
    let secret = made.secret.as_ref().map(|secret| format!("secret: {secret}\n"));
    let target = word(&channel.target);
    format!("{} gets {whose}, at {target}\n{}", channel.name, secret.unwrap_or_default())
}

fn render(view: &View, channels: &[Channel]) -> String {
    if channels.is_empty() {
        return "nobody is told; `slipway alerts channels add` changes that\n".to_owned();
    }
    let mut table = Table::new(["CHANNEL", "KIND", "APP", "LATEST", "TARGET"]);
    for channel in channels {
        table.row([
            Cell::toned(Tone::Strong, channel.name.as_str()),
            channel.kind.as_str().into(),
            channel.app.as_ref().map_or("all", |app| app.as_str()).into(),
            latest(view, channel.latest.as_ref()),
            channel.target.as_str().into(),
        ]);
    }
    table.render(view)
}

/// How the newest message fared.
fn latest(view: &View, delivery: Option<&Delivery>) -> Cell {
    let Some(delivery) = delivery else { return Cell::toned(Tone::Quiet, "-") };
    match delivery.state {
        DeliveryState::Sent => {
            let at = delivery.sent_at.unwrap_or(delivery.created_at);
            Cell::toned(Tone::Good, format!("sent {}", view.when(at)))
        }
        DeliveryState::Waiting => Cell::toned(Tone::Busy, "under way"),
        DeliveryState::Failed => {
            Cell::toned(Tone::Bad, format!("failed {}", view.when(delivery.created_at)))
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{DeliveryId, Id};

    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn channel(name: &str, state: Option<DeliveryState>) -> Channel {
        let latest = state.map(|state| Delivery {
            id: DeliveryId::from_bits(1),
            subject: "[test] a message".to_owned(),
            state,
            attempts: 1,
            last_error: None,
            created_at: minutes_ago(9),
            sent_at: (state == DeliveryState::Sent).then(|| minutes_ago(9)),
        });
        Channel {
            name: name.parse().unwrap(),
            kind: "webhook".to_owned(),
            target: "https://hooks.example.com/…".to_owned(),
            app: (name == "shop-ops").then(|| "shop".parse().unwrap()),
            created_at: minutes_ago(90),
            created_by: "ada@example.com".to_owned(),
            latest,
        }
    }

    #[test]
    fn channels_are_listed_without_their_secrets() {
        let channels = [
            channel("new", None),
            channel("ops", Some(DeliveryState::Sent)),
            channel("shop-ops", Some(DeliveryState::Failed)),
            channel("slow", Some(DeliveryState::Waiting)),
        ];
        insta::assert_snapshot!("channels", render(&PLAIN, &channels));
        insta::assert_snapshot!("channels_on_a_terminal", visible(&render(&TERMINAL, &channels)));
        insta::assert_json_snapshot!("channels_as_json", channels);
        insta::assert_snapshot!(render(&PLAIN, &[]), @"nobody is told; `slipway alerts channels add` changes that");
    }

    #[test]
    fn a_new_channel_shows_its_secret_once() {
        let secret = Some("a secret".to_owned());
        let made = ChannelMade { channel: channel("shop-ops", None), secret };
        insta::assert_snapshot!("a_new_channel", describe(&made));
    }
}
