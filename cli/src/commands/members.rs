//! `slipway members`

use serde::Serialize;
use slipway_client::Client;
use slipway_core::name::Email;
use slipway_core::wire::auth::{Scope, User, WhoAmI};
use slipway_core::wire::member::{
    Invitation, InvitationKind, InviteRequest, NewInvitation, RoleChange,
};

use crate::commands::tokens::scopes;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::prompt;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// Invite people, change what they may do, and remove them
///
/// A role says what somebody may do, and bounds their API tokens: `read` sees everything but
/// configuration values, `deploy` also pushes, deploys and rolls back, `write` also changes apps,
/// `admin` also manages people and the server. A change bites within seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway members
  slipway members invite grace@example.com --role deploy
  slipway members role grace@example.com write
  slipway members remove grace@example.com --confirm grace@example.com")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the members, and for admins the links that were not used yet
    #[command(after_help = "Examples:
  slipway members list --json")]
    List,
    /// Make a link by which somebody joins; it is shown once
    ///
    /// Nobody is sent anything: hand the link over in a way that only they can read. It works once,
    /// for 72 hours. Inviting the same address again replaces the earlier link.
    #[command(after_help = "Examples:
  slipway members invite grace@example.com
  slipway members invite grace@example.com --role admin")]
    Invite {
        /// Their e-mail address
        #[arg(value_name = "EMAIL")]
        email: Email,
        /// What they may do
        #[arg(long, value_parser = scopes(), default_value = "deploy")]
        role: Scope,
    },
    /// Make a link useless that was not used yet
    #[command(after_help = "Examples:
  slipway members revoke grace@example.com")]
    Revoke {
        /// Whom it was made for
        #[arg(value_name = "EMAIL")]
        email: Email,
    },
    /// Change what a member may do
    #[command(after_help = "Examples:
  slipway members role grace@example.com write")]
    Role {
        /// The member
        #[arg(value_name = "EMAIL")]
        email: Email,
        /// What they may do from now on
        #[arg(value_parser = scopes())]
        role: Scope,
    },
    /// Make a link by which a member sets a new password; it is shown once
    ///
    /// Until it is used, nothing changes; then their sessions end.
    #[command(after_help = "Examples:
  slipway members reset grace@example.com")]
    Reset {
        /// The member
        #[arg(value_name = "EMAIL")]
        email: Email,
    },
    /// Remove a member with their sessions and API tokens; also oneself
    #[command(after_help = "Examples:
  slipway members remove grace@example.com
  slipway members remove grace@example.com --confirm grace@example.com")]
    Remove {
        /// The member
        #[arg(value_name = "EMAIL")]
        email: Email,
        /// The address once more; without, it is asked for
        #[arg(long, value_name = "EMAIL")]
        confirm: Option<String>,
    },
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => list(invocation, &client).await,
        Verb::Invite { email, role } => {
            let made = client.invite(&InviteRequest { email, role }).await?;
            hand_over(invocation, &made)
        }
        Verb::Reset { email } => {
            let made = client.reset_password(&member(&client, &email).await?.id).await?;
            hand_over(invocation, &made)
        }
        Verb::Revoke { email } => {
            let open = client.invitations().await?;
            let found = open.into_iter().find(|open| open.email == email);
            let found = found.ok_or_else(|| {
                Failure::new(format!("there is no open link for {email}"))
                    .hint("`slipway members` lists them")
            })?;
            client.revoke_invitation(&found.id).await?;
            invocation.printer.say(&format!("the link for {email} does not work any more"))
        }
        Verb::Role { email, role } => {
            let id = member(&client, &email).await?.id;
            let changed = client.change_role(&id, RoleChange { role }).await?;
            invocation.printer.show(&changed, |_| {
                format!("{email} has the role {} from now on\n", changed.role.as_str())
            })
        }
        Verb::Remove { email, confirm } => remove(invocation, &client, &email, confirm).await,
    }
}

/// What is listed; the links are empty for those who may not see them.
#[derive(Debug, Serialize)]
struct Listed {
    members: Vec<User>,
    invitations: Vec<Invitation>,
}

async fn list(invocation: &Invocation, client: &Client) -> Result<(), Failure> {
    let (me, members) = tokio::try_join!(client.me(), client.members())?;
    let invitations =
        if me.scope == Scope::Admin { client.invitations().await? } else { Vec::new() };
    let listed = Listed { members, invitations };
    invocation.printer.show(&listed, |view| render(view, &me, &listed))
}

async fn member(client: &Client, email: &Email) -> Result<User, Failure> {
    let members = client.members().await?;
    members.into_iter().find(|member| member.email == *email).ok_or_else(|| {
        Failure::new(format!("{email} is not a member"))
            .hint("`slipway members` lists them; `slipway members revoke` ends an open invitation")
    })
}

/// Prints the link alone, and beside it what to do with it.
fn hand_over(invocation: &Invocation, made: &NewInvitation) -> Result<(), Failure> {
    invocation.printer.show(made, |_| format!("{}\n", made.url))?;
    if !invocation.printer.json {
        invocation.printer.note(&next_step(&invocation.printer.view, made));
    }
    Ok(())
}

fn next_step(view: &View, made: &NewInvitation) -> String {
    let Invitation { email, kind, role, expires_at, .. } = &made.invitation;
    let effect = match kind {
        InvitationKind::Join => format!("joins with the role {}", role.as_str()),
        InvitationKind::PasswordReset => {
            "sets a new password, which ends their sessions".to_owned()
        }
    };
    let (email, ends) = (word(email.as_str()), view.until(*expires_at));
    let server = made.url.split("/join#").next().unwrap_or_default();
    format!(
        "send this link to {email}, who {effect}; it works once, ends {ends}, and is not shown \
         again\nthey open it in a browser, or run `slipway join {server}` and paste it"
    )
}

async fn remove(
    invocation: &Invocation,
    client: &Client,
    email: &Email,
    confirm: Option<String>,
) -> Result<(), Failure> {
    let member = member(client, email).await?;
    let confirmed = match confirm {
        Some(confirm) => confirm,
        None if invocation.printer.interactive => {
            let what = "this ends their sessions and API tokens for good";
            invocation.printer.warn(what);
            prompt::line(&format!("type `{email}` to go on"))?
        }
        None => {
            return Err(Failure::usage(format!("removing {email} cannot be undone"))
                .hint(format!("add `--confirm {email}`")));
        }
    };
    if confirmed.trim() != email.as_str() {
        return Err(Failure::usage(format!("the confirmation is not `{email}`: nothing was done")));
    }
    client.remove_member(&member.id).await?;
    invocation.printer.say(&format!("{email} is not a member any more"))
}

fn render(view: &View, me: &WhoAmI, listed: &Listed) -> String {
    let mut table = Table::new(["EMAIL", "ROLE", "STATUS"]);
    for member in &listed.members {
        let you = if member.id == me.user.id { ", this is you" } else { "" };
        table.row([
            Cell::toned(Tone::Strong, member.email.as_str()),
            member.role.as_str().into(),
            format!("member since {}{you}", view.when(member.created_at)).into(),
        ]);
    }
    for open in &listed.invitations {
        let what = match open.kind {
            InvitationKind::Join => "invited",
            InvitationKind::PasswordReset => "password reset",
        };
        let (by, ends) = (&open.invited_by, view.until(open.expires_at));
        table.row([
            Cell::toned(Tone::Quiet, open.email.as_str()),
            Cell::toned(Tone::Quiet, open.role.as_str()),
            Cell::toned(Tone::Quiet, format!("{what} by {by}; the link ends {ends}")),
        ]);
    }
    table.render(view)
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{Id, InvitationId, UserId};
    use slipway_core::time::Timestamp;

    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, minutes_ago, visible};

    fn user(number: u128, name: &str, role: Scope) -> User {
        let email = format!("{name}@example.com").parse().unwrap();
        User { id: UserId::from_bits(number), email, role, created_at: minutes_ago(9 * 24 * 60) }
    }

    fn open(kind: InvitationKind, name: &str) -> Invitation {
        Invitation {
            id: InvitationId::from_bits(7),
            kind,
            email: format!("{name}@example.com").parse().unwrap(),
            role: Scope::Deploy,
            invited_by: "ada@example.com".parse().unwrap(),
            created_at: minutes_ago(60),
            expires_at: Timestamp(NOW.0 + 71 * 3_600_000),
        }
    }

    fn listed() -> Listed {
        Listed {
            members: vec![user(1, "ada", Scope::Admin), user(2, "grace", Scope::Write)],
            invitations: vec![
                open(InvitationKind::Join, "alan"),
                open(InvitationKind::PasswordReset, "grace"),
            ],
        }
    }

    #[test]
    fn members_are_listed_with_the_open_links() {
        let me = WhoAmI {
            user: listed().members.remove(0),
            scope: Scope::Admin,
            token: None,
            app: None,
        };
        insta::assert_snapshot!("members", render(&PLAIN, &me, &listed()));
        insta::assert_snapshot!(
            "members_on_a_terminal",
            visible(&render(&TERMINAL, &me, &listed()))
        );
        insta::assert_json_snapshot!("members_as_json", listed());
    }

    #[test]
    fn a_link_says_what_to_do_with_it() {
        let made = |kind| NewInvitation {
            invitation: open(kind, "grace"),
            token: "t0k3n".to_owned(),
            url: "https://slipway.example.com/join#t0k3n".to_owned(),
        };
        let invited = next_step(&TERMINAL, &made(InvitationKind::Join));
        insta::assert_snapshot!("an_invitation", invited);
        let reset = next_step(&TERMINAL, &made(InvitationKind::PasswordReset));
        insta::assert_snapshot!("a_reset", reset);
    }
}
