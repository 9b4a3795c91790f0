//! `slipway tokens`

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use slipway_core::id::TokenId;
use slipway_core::wire::auth::{NewToken, Scope, Token, TokenRequest};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// Make, list and revoke API tokens
///
/// A token signs in scripts, CI and git. Its scope says what it may do: `read` sees everything but
/// configuration values, `deploy` also pushes, deploys and rolls back, `write` also changes apps,
/// `admin` also manages people and the server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway tokens
  slipway tokens create ci --scope deploy -a shop --expires-in 90
  slipway tokens revoke tok_01j8x3y5z7k9m1n3p5q7r9t1v3")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the tokens, without their secrets
    #[command(after_help = "Examples:
  slipway tokens list --json")]
    List,
    /// Make a token; its secret is shown once
    #[command(after_help = "Examples:
  slipway tokens create ci --scope deploy -a shop
  slipway tokens create dashboard --scope read --expires-in 30

With `-a` the token is limited to that app; a folder's git remote limits nothing.")]
    Create {
        /// What it is for
        name: String,
        /// What it may do
        #[arg(long, value_parser = scopes(), default_value = "deploy")]
        scope: Scope,
        /// Days until it ends; without, it does not
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        expires_in: Option<u32>,
    },
    /// End a token; it stops working within seconds
    #[command(after_help = "Examples:
  slipway tokens revoke tok_01j8x3y5z7k9m1n3p5q7r9t1v3")]
    Revoke {
        /// The token's id, from `slipway tokens`
        id: TokenId,
    },
}

/// The names of scopes and roles, which are the same.
pub fn scopes() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::as_str)).map(|name| {
        let chosen = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        chosen.expect("clap admits the names of scopes alone")
    })
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let printer = &invocation.printer;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => {
            let tokens = client.tokens().await?;
            printer.show(&tokens, |view| render(view, &tokens))
        }
        Verb::Create { name, scope, expires_in } => {
            let app = invocation.global.app.clone();
            let request = TokenRequest { name, scope, app, expires_in_days: expires_in };
            let made = client.create_token(&request).await?;
            printer.show(&made, |_| format!("{}\n", made.secret))?;
            if !printer.json {
                printer.note(&describe(&made));
            }
            Ok(())
        }
        Verb::Revoke { id } => {
            client.revoke_token(&id).await?;
            printer.say(&format!("revoked {id}"))
        }
    }
}

fn describe(made: &NewToken) -> String {
    let token = &made.token;
    let app = token.app.as_ref().map(|app| format!(" for {app}")).unwrap_or_default();
    let scope = token.scope.as_str();
    format!("{} may {scope}{app}; this is the only time its secret is shown", token.id)
}

fn render(view: &View, tokens: &[Token]) -> String {
    if tokens.is_empty() {
        return "no tokens; `slipway tokens create NAME` makes one\n".to_owned();
    }
    let mut table = Table::new(["ID", "SCOPE", "APP", "OWNER", "USED", "EXPIRES", "NAME"]);
    for token in tokens {
        table.row([
            token.id.to_string().into(),
            token.scope.as_str().into(),
            token.app.as_ref().map_or("all", |app| app.as_str()).into(),
            token.owner.as_str().into(),
            token.last_used_at.map_or("never".to_owned(), |at| view.when(at)).into(),
            token.expires_at.map_or("never".to_owned(), |at| view.until(at)).into(),
            Cell::toned(Tone::Strong, &token.name),
        ]);
    }
    table.render(view)
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;
    use slipway_core::time::Timestamp;

    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, minutes_ago, visible};

    fn token(name: &str, app: Option<&str>) -> Token {
        Token {
            id: TokenId::from_bits(7),
            name: name.to_owned(),
            scope: Scope::Deploy,
            app: app.map(|app| app.parse().unwrap()),
            owner: "ada@example.com".parse().unwrap(),
            created_at: minutes_ago(60),
            expires_at: app.map(|_| Timestamp(NOW.0 + 9 * 86_400_000)),
            last_used_at: app.map(|_| minutes_ago(3)),
        }
    }

    #[test]
    fn tokens_are_listed_without_their_secrets() {
        let tokens = [token("ci", Some("shop")), token("every app", None)];
        insta::assert_snapshot!("tokens", render(&PLAIN, &tokens));
        insta::assert_snapshot!("tokens_on_a_terminal", visible(&render(&TERMINAL, &tokens)));
        insta::assert_json_snapshot!("tokens_as_json", tokens);
        insta::assert_snapshot!(render(&PLAIN, &[]), @"no tokens; `slipway tokens create NAME` makes one");
    }

    #[test]
    fn a_new_token_says_what_it_may_do() {
        let made = NewToken { token: token("ci", Some("shop")), secret: "slp_x".to_owned() };
        insta::assert_snapshot!("a_new_token", describe(&made));
    }
}
