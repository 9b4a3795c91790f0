//! The commands, one file each: what can be typed, what is done, how the result is drawn.

pub mod alerts;
pub mod apps;
pub mod autoscale;
pub mod completion;
pub mod config;
pub mod create;
pub mod deploy;
pub mod deployments;
pub mod destroy;
pub mod domains;
pub mod drains;
pub mod events;
pub mod exec;
pub mod git_credential;
pub mod info;
pub mod join;
pub mod login;
pub mod logout;
pub mod logs;
pub mod members;
pub mod metrics;
pub mod open;
pub mod ps;
pub mod releases;
pub mod restart;
pub mod rollback;
pub mod run;
pub mod scale;
pub mod start;
pub mod status;
pub mod stop;
pub mod tokens;
pub mod top;
pub mod version;
pub mod whoami;

use crate::args::Command;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Does what was asked.
pub async fn run(invocation: &Invocation, command: Command) -> Result<(), Failure> {
    match command {
        Command::Login(args) => login::run(invocation, args).await,
        Command::Logout(args) => logout::run(invocation, args).await,
        Command::Join(args) => join::run(invocation, args).await,
        Command::Whoami(args) => whoami::run(invocation, args).await,
        Command::Tokens(args) => tokens::run(invocation, args).await,
        Command::Members(args) => members::run(invocation, args).await,
        Command::Create(args) => create::run(invocation, args).await,
        Command::Apps(args) => apps::run(invocation, args).await,
        Command::Info(args) => info::run(invocation, args).await,
        Command::Open(args) => open::run(invocation, args).await,
        Command::Domains(args) => domains::run(invocation, args).await,
        Command::Destroy(args) => destroy::run(invocation, args).await,
        Command::Deploy(args) => deploy::run(invocation, args).await,
        Command::Deployments(args) => deployments::run(invocation, args).await,
        Command::Releases(args) => releases::run(invocation, args).await,
        Command::Rollback(args) => rollback::run(invocation, args).await,
        Command::Ps(args) => ps::run(invocation, args).await,
        Command::Scale(args) => scale::run(invocation, args).await,
        Command::Autoscale(args) => autoscale::run(invocation, args).await,
        Command::Restart(args) => restart::run(invocation, args).await,
        Command::Stop(args) => stop::run(invocation, args).await,
        Command::Start(args) => start::run(invocation, args).await,
        Command::Run(args) => run::run(invocation, args).await,
        Command::Exec(args) => exec::run(invocation, args).await,
        Command::Config(args) => config::run(invocation, args).await,
        Command::Logs(args) => logs::run(invocation, args).await,
        Command::Drains(args) => drains::run(invocation, args).await,
        Command::Events(args) => events::run(invocation, args).await,
        Command::Metrics(args) => metrics::run(invocation, args).await,
        Command::Top(args) => top::run(invocation, args).await,
        Command::Alerts(args) => alerts::run(invocation, args).await,
        Command::Status(args) => status::run(invocation, args).await,
        Command::Completion(args) => completion::run(invocation, args),
        Command::Version(args) => version::run(invocation, args),
        Command::GitCredential(args) => git_credential::run(invocation, args).await,
    }
}
