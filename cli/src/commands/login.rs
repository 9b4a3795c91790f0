//! `slipway login`

use slipway_client::{Client, Credentials, ServerUrl, SessionTokens};
use slipway_core::name::Email;
use slipway_core::wire::auth::{ClaimRequest, LoginRequest, Session};

use crate::accounts::{Account, Secret};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::prompt;

/// Sign in to a server, or claim a new one
///
/// Asks for what is missing, without showing passwords and tokens. The server becomes the default
/// one; several can be signed in to. What is saved is readable by you alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway login https://slipway.example.com
  slipway login localhost:8080 --claim 6f1c2d…
  slipway login https://slipway.example.com --token
  slipway login https://slipway.example.com --email ada@example.com --password-stdin

Scripts need no login: set SLIPWAY_URL and SLIPWAY_TOKEN instead.")]
pub struct Args {
    /// The server's address
    url: Option<ServerUrl>,
    /// Sign in with an API token, asked for or read from standard input
    #[arg(long, conflicts_with_all = ["email", "password_stdin", "claim"])]
    token: bool,
    /// The e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<Email>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Claim a new server with the token that it printed on its terminal
    #[arg(long, value_name = "TOKEN")]
    claim: Option<String>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let server = match &args.url {
        Some(url) => url.clone(),
        None => invocation.server().await?,
    };
    warn_of_plain_text(invocation, &server);
    let client = Invocation::stranger(server)?;
    let account = if args.token {
        with_token(invocation, &client).await?
    } else {
        with_password(invocation, &client, args).await?
    };
    let said = format!("signed in to {} as {}", client.server(), account.email);
    invocation.accounts_file()?.change(|accounts| accounts.sign_in(client.server(), account))?;
    invocation.printer.say(&said)
}

/// Says so before a secret travels in the clear.
pub fn warn_of_plain_text(invocation: &Invocation, server: &ServerUrl) {
    if server.is_plain() && !server.is_local() {
        invocation.printer.warn(&format!("the connection to {server} is not encrypted"));
    }
}

async fn with_token(invocation: &Invocation, client: &Client) -> Result<Account, Failure> {
    let token = if invocation.printer.interactive {
        prompt::secret("API token")?
    } else {
        prompt::standard_input()?
    };
    let token = token.trim().to_owned();
    if token.is_empty() {
        return Err(Failure::usage("no token was given on standard input"));
    }
    let me = client.with_credentials(Credentials::Token(token.clone())).me().await?;
    Ok(Account { email: me.user.email.to_string(), secret: Secret::Token { token } })
}

async fn with_password(
    invocation: &Invocation,
    client: &Client,
    args: Args,
) -> Result<Account, Failure> {
    let interactive = invocation.printer.interactive;
    let email = match args.email {
        Some(email) => email,
        None if interactive => {
            prompt::line("e-mail")?.parse().map_err(|error| Failure::new(format!("{error}")))?
        }
        None => {
            return Err(Failure::usage("there is no terminal to ask on")
                .hint("add `--email ADDRESS --password-stdin`, or `--token`"));
        }
    };
    let password = if args.password_stdin {
        prompt::standard_input()?
    } else if interactive {
        match args.claim {
            Some(_) => new_password()?,
            None => prompt::secret("password")?,
        }
    } else {
        return Err(Failure::usage("there is no terminal to ask for the password")
            .hint("add `--password-stdin`"));
    };
    let session = match args.claim {
        Some(claim_token) => client.claim(&ClaimRequest { claim_token, email, password }).await?,
        None => client.login(&LoginRequest { email, password }).await?,
    };
    Ok(account(&session))
}

/// Asks for a password that nobody knows yet, twice.
pub fn new_password() -> Result<String, Failure> {
    let password = prompt::secret("new password (at least 10 characters)")?;
    if prompt::secret("the same again")? == password {
        Ok(password)
    } else {
        Err(Failure::new("the two passwords differ"))
    }
}

/// What is kept of a session.
pub fn account(session: &Session) -> Account {
    Account {
        email: session.user.email.to_string(),
        secret: Secret::from(&SessionTokens::from(session)),
    }
}
