//! `slipway logout`

use slipway_client::ServerUrl;

use crate::accounts::Secret;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Sign out of a server
///
/// Ends the session on the server and forgets it here. An API token is forgotten only:
/// `slipway tokens revoke` ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway logout
  slipway logout https://slipway.example.com")]
pub struct Args {
    /// The server's address
    url: Option<ServerUrl>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let server = match args.url {
        Some(url) => url,
        None => invocation.server().await?,
    };
    let credentials = invocation.saved_credentials(&server)?;
    let is_session = invocation
        .accounts()?
        .get(&server)
        .is_some_and(|account| matches!(account.secret, Secret::Session { .. }));
    if let (Some(credentials), true) = (credentials, is_session) {
        let client = Invocation::stranger(server.clone())?.with_credentials(credentials);
        if let Err(error) = client.logout().await.map_err(Failure::from) {
            invocation.printer.warn(&format!("the session was not ended on the server: {error}"));
        }
    }
    let removed = invocation.accounts_file()?.change(|accounts| accounts.sign_out(&server))?;
    match removed {
        Some(_) => invocation.printer.say(&format!("signed out of {server}")),
        None => Err(Failure::new(format!("not signed in to {server}"))),
    }
}
