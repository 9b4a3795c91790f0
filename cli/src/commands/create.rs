//! `slipway create`

use std::env;

use slipway_client::ServerUrl;
use slipway_core::name::AppName;
use slipway_core::wire::app::{AppInfo, CreateApp};

use crate::failure::Failure;
use crate::git::{Folder, REMOTE, Remote};
use crate::invocation::Invocation;
use crate::table::facts;
use crate::view::{Tone, View, word};

/// Create an app, and tie this repository to it
///
/// Inside a git repository, adds the remote `slipway` and lets git ask this program for the
/// server's password, in this repository alone. `git push slipway main` then just works.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway create shop
  slipway create shop --no-remote")]
pub struct Args {
    /// The app's name: a-z, 0-9 and `-`, 2 to 30 characters; it becomes a part of its address
    name: AppName,
    /// Leave the repository as it is
    #[arg(long)]
    no_remote: bool,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let app = client.create_app(&CreateApp { name: args.name }).await?;
    invocation.printer.show(&app, |view| render(view, &app))?;
    let tied = !args.no_remote && tie(invocation, client.server(), &app).await?;
    if !invocation.printer.json {
        invocation.printer.hint(&next_step(&app, tied).await);
    }
    Ok(())
}

/// Adds the remote and the credential helper; `false` when there is no repository, or it has
/// another remote.
async fn tie(invocation: &Invocation, server: &ServerUrl, app: &AppInfo) -> Result<bool, Failure> {
    let folder = Folder::here();
    if !folder.is_repository().await {
        return Ok(false);
    }
    let remote = Remote { server: server.clone(), app: app.summary.name.clone() };
    match folder.remote_url().await {
        Some(url) if Remote::parse(&url).as_ref() == Some(&remote) => {}
        Some(url) => {
            invocation.printer.warn(&format!("the remote `{REMOTE}` is {}, and stays", word(&url)));
            invocation.printer.hint(&format!("run `git remote set-url {REMOTE} {}`", remote.url()));
            return Ok(false);
        }
        None => folder.add_remote(&remote.url()).await?,
    }
    let program = env::current_exe()
        .map_err(|error| Failure::new(format!("cannot tell where this program is: {error}")))?;
    folder.set_credential_helper(server, &program).await?;
    invocation.printer.say(&format!("added the git remote `{REMOTE}`: {}", remote.url()))?;
    Ok(true)
}

async fn next_step(app: &AppInfo, tied: bool) -> String {
    let target = &app.deploy_branch;
    if !tied {
        return format!("deploy a directory with `slipway deploy -a {}`", app.summary.name);
    }
    match Folder::here().branch().await {
        Some(branch) if branch != *target => {
            format!("deploy with `git push {REMOTE} {branch}:{target}`")
        }
        _ => format!("deploy with `git push {REMOTE} {target}`"),
    }
}

fn render(view: &View, app: &AppInfo) -> String {
    let name = view.paint(Tone::Strong, app.summary.name.as_str());
    format!("created {name}\n{}", facts(view, &[("url", word(&app.summary.url))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_new_app_shows_where_it_answers() {
        insta::assert_snapshot!("created", render(&testing::PLAIN, &testing::app()));
    }
}
