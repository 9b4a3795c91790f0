//! `slipway ps`

use slipway_core::instance::InstanceState;
use slipway_core::wire::process::InstanceInfo;

use crate::cause::last_words;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// List the running instances
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway ps
  slipway ps -a shop --json")]
pub struct Args {}

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let instances = client.instances(&app).await?;
    invocation.printer.show(&instances, |view| render(view, &instances))
}

fn render(view: &View, instances: &[InstanceInfo]) -> String {
    if instances.is_empty() {
        return "nothing runs\n".to_owned();
    }
    let mut table = Table::new(["INSTANCE", "RELEASE", "STATE", "TRAFFIC", "RESTARTS", "CREATED"]);
    for instance in instances {
        let restarts = if instance.restarts == 0 { Tone::Plain } else { Tone::Doubtful };
        table.row([
            Cell::toned(Tone::Strong, name(instance)),
            format!("v{}", instance.version).into(),
            Cell::toned(tone(instance.state), instance.state.as_str()),
            if instance.in_proxy { "yes" } else { "no" }.into(),
            Cell::toned(restarts, instance.restarts.to_string()),
            view.when(instance.created_at).into(),
        ]);
    }
    let failures = instances.iter().filter_map(|instance| {
        let reason = instance.reason.as_ref()?;
        let cause = last_words(view, reason, reason.code.hint());
        Some(format!("\n{}: {}\n{cause}", name(instance), word(&reason.message)))
    });
    std::iter::once(table.render(view)).chain(failures).collect()
}

fn name(instance: &InstanceInfo) -> String {
    format!("{}.{}", instance.process, word(&instance.short))
}

fn tone(state: InstanceState) -> Tone {
    match state {
        InstanceState::Ready => Tone::Good,
        InstanceState::Starting => Tone::Busy,
        InstanceState::Unready => Tone::Doubtful,
        InstanceState::Crashed => Tone::Bad,
        InstanceState::Draining | InstanceState::Stopping | InstanceState::Stopped => Tone::Quiet,
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{Id, InstanceId};
    use slipway_core::reason::{Reason, ReasonCode};

    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn instance(bits: u128, process: &str, state: InstanceState) -> InstanceInfo {
        let id = InstanceId::from_bits(bits);
        InstanceInfo {
            short: id.short().to_owned(),
            id: id.to_string(),
            process: process.parse().unwrap(),
            version: 42,
            state,
            in_proxy: state == InstanceState::Ready,
            restarts: u32::from(state == InstanceState::Crashed) * 3,
            created_at: minutes_ago(5),
            ready_at: (state == InstanceState::Ready).then(|| minutes_ago(5)),
            reason: None,
        }
    }

    #[test]
    fn a_crashed_instance_shows_its_last_words() {
        let mut crashed = instance(0xfeed, "worker", InstanceState::Crashed);
        let lines = vec!["redis: connection refused".to_owned()];
        let reason =
            Reason::new(ReasonCode::Exited, "exited with 1, 3 times").with_last_lines(lines);
        crashed.reason = Some(reason);
        let instances = [instance(0xbeef, "web", InstanceState::Ready), crashed];
        insta::assert_snapshot!("instances", render(&PLAIN, &instances));
        insta::assert_snapshot!("instances_on_a_terminal", visible(&render(&TERMINAL, &instances)));
        insta::assert_json_snapshot!("instances_as_json", instances);
        insta::assert_snapshot!(render(&PLAIN, &[]), @"nothing runs");
    }
}
