//! `slipway whoami`

use slipway_client::ServerUrl;
use slipway_core::wire::auth::WhoAmI;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::facts;
use crate::view::{Tone, View, word};

/// Show who is signed in, where, and with what rights
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway whoami
  slipway whoami --json")]
pub struct Args {}

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let me = client.me().await?;
    invocation.printer.show(&me, |view| render(view, client.server(), &me))
}

fn render(view: &View, server: &ServerUrl, me: &WhoAmI) -> String {
    let email = view.paint(Tone::Strong, &word(me.user.email.as_str()));
    let mut pairs = vec![
        ("server", server.to_string()),
        ("role", me.user.role.as_str().to_owned()),
        ("scope", me.scope.as_str().to_owned()),
    ];
    pairs.extend(me.token.as_ref().map(|token| ("token", word(token))));
    pairs.extend(me.app.as_ref().map(|app| ("app", app.to_string())));
    format!("{email}\n{}", facts(view, &pairs))
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{Id, UserId};
    use slipway_core::wire::auth::{Scope, User};

    use super::*;
    use crate::testing::{NOW, PLAIN};

    #[test]
    fn a_token_shows_its_limits() {
        let user = User {
            id: UserId::from_bits(1),
            email: "ada@example.com".parse().unwrap(),
            role: Scope::Admin,
            created_at: NOW,
        };
        let me = WhoAmI {
            user,
            scope: Scope::Deploy,
            token: Some("ci".to_owned()),
            app: Some("shop".parse().unwrap()),
        };
        insta::assert_snapshot!("whoami", render(&PLAIN, &"localhost:8080".parse().unwrap(), &me));
        insta::assert_json_snapshot!("whoami_as_json", me);
    }
}
