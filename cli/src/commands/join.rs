//! `slipway join`

use std::str::FromStr;

use slipway_client::{InvalidServerUrl, ServerUrl};
use slipway_core::wire::member::{JoinRequest, pasted_token};

use crate::commands::login::{account, new_password, warn_of_plain_text};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::prompt;

/// Join a server by the link you were sent, or set a new password by one
///
/// Asks for the link, unless it is given in place of the server's address, and for the password
/// that you will sign in with, without showing either. Then you are signed in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway join https://slipway.example.com
  slipway join 'https://slipway.example.com/join#6f1c2d…' --password-stdin

What is typed on a command line can be seen by others on the same machine; the link works once.")]
pub struct Args {
    /// The server's address, or the whole link
    #[arg(value_name = "URL")]
    door: Door,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Where to join, and the secret if it came along.
#[derive(Clone)]
struct Door {
    server: ServerUrl,
    token: Option<String>,
}

impl std::fmt::Debug for Door {
    /// The server; secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("server", &self.server).finish_non_exhaustive()
    }
}

impl FromStr for Door {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        let address = text.split('#').next().unwrap_or_default().trim_end_matches('/');
        let server = address.strip_suffix("/join").unwrap_or(address).parse()?;
        let token = text.contains('#').then(|| pasted_token(text).to_owned());
        Ok(Self { server, token: token.filter(|token| !token.is_empty()) })
    }
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let Door { server, token } = args.door;
    warn_of_plain_text(invocation, &server);
    let client = Invocation::stranger(server)?;
    let interactive = invocation.printer.interactive;
    let token = match token {
        Some(token) => token,
        None if interactive => pasted_token(&prompt::secret("link, or its token")?).to_owned(),
        None => {
            return Err(Failure::usage("there is no terminal to ask for the link")
                .hint("give the whole link in place of the address"));
        }
    };
    let password = if args.password_stdin {
        prompt::standard_input()?
    } else if interactive {
        new_password()?
    } else {
        return Err(Failure::usage("there is no terminal to ask for the password")
            .hint("add `--password-stdin`"));
    };
    let session = client.join(&JoinRequest { token, password }).await?;
    invocation
        .accounts_file()?
        .change(|accounts| accounts.sign_in(client.server(), account(&session)))?;
    let (email, role) = (&session.user.email, session.user.role.as_str());
    invocation
        .printer
        .say(&format!("signed in to {} as {email}, with the role {role}", client.server()))?;
    if !invocation.printer.json {
        invocation.printer.hint("`slipway apps` lists what runs there");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_an_address_or_a_whole_link() {
        for (text, server, token) in [
            ("https://slipway.example.com", "https://slipway.example.com", None),
            ("slipway.example.com/join/", "https://slipway.example.com", None),
            (
                "https://slipway.example.com/join#t-0_k",
                "https://slipway.example.com",
                Some("t-0_k"),
            ),
            ("localhost:8081/join#t", "http://localhost:8081", Some("t")),
            ("localhost:8081/join#", "http://localhost:8081", None),
        ] {
            let door: Door = text.parse().unwrap();
            assert_eq!((door.server.to_string().as_str(), door.token.as_deref()), (server, token));
        }
        assert!("ftp://x/join#t".parse::<Door>().is_err());
    }
}
