//! `slipway git-credential`: what git asks for the server's password.
//!
//! git writes `key=value` lines and reads such lines back (gitcredentials(7)). Only `get` is
//! answered; there is nothing to store, and a token that git found wanting is not ours to forget.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use slipway_client::ServerUrl;

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Answer git's question for a password
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What git wants: `get`, `store` or `erase`
    operation: String,
}

/// Any name will do: the server looks at the password, which is a token.
const USER_NAME: &str = "slipway";

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let question = read(io::stdin().lock())
        .map_err(|error| Failure::new(format!("cannot read git's question: {error}")))?;
    if args.operation != "get" {
        return Ok(());
    }
    let Some(server) = meant(invocation, &question)? else {
        // Not a server of ours: git goes on to ask its user.
        return Ok(());
    };
    let Some(credentials) = invocation.credentials(&server)? else { return Ok(()) };
    let client = Invocation::stranger(server)?.with_credentials(credentials);
    // Proves the session, and renews it when its access token has ended.
    client.me().await?;
    let Some(password) = client.credentials().access_token().await else { return Ok(()) };
    invocation.printer.write(&format!("username={USER_NAME}\npassword={password}\n"))
}

fn read(input: impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut question = BTreeMap::new();
    for line in input.lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((key, value)) = line.split_once('=') {
            question.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(question)
}

/// The server that git talks to, among those one is signed in to and the one of the environment.
/// Host, port and scheme have to be the same: a token is never given to anybody else.
fn meant(
    invocation: &Invocation,
    question: &BTreeMap<String, String>,
) -> Result<Option<ServerUrl>, Failure> {
    let (Some(protocol), Some(host)) = (question.get("protocol"), question.get("host")) else {
        return Ok(None);
    };
    let Ok(asked) = format!("{protocol}://{host}").parse::<ServerUrl>() else { return Ok(None) };
    let is_asked = |server: &ServerUrl| {
        server.is_plain() == asked.is_plain()
            && server.host() == asked.host()
            && server.port() == asked.port()
    };
    let environment = invocation.environment.url.as_ref().and_then(|url| url.parse().ok());
    if invocation.environment.token.is_some() && environment.is_some() {
        return Ok(environment.filter(is_asked));
    }
    let accounts = invocation.accounts()?;
    let known = environment.into_iter().chain(accounts.servers());
    Ok(known.into_iter().find(is_asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_ends_with_an_empty_line() {
        let question = read(
            "protocol=http\nhost=localhost:8080\nwwwauth[]=Basic realm=\"x=y\"\n\nhost=evil"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(question["host"], "localhost:8080");
        assert_eq!(question["wwwauth[]"], "Basic realm=\"x=y\"");
    }
}
