//! What the autoscaler does, for people.

use slipway_core::autoscale::{AutoscaleSettings, Effect};
use slipway_core::wire::autoscale::{AppAutoscale, AutoscaleInfo, DecisionInfo, Simulation};

use crate::table::{Cell, Table, facts};
use crate::time;
use crate::view::{Tone, View, word};

/// Steps of a simulation that are shown.
const SHOWN: usize = 20;

/// Everything an app scales by itself.
pub fn list(view: &View, scaled: &AppAutoscale) -> String {
    if scaled.processes.is_empty() {
        return "nothing scales by itself; `slipway autoscale set PROCESS` changes that\n"
            .to_owned();
    }
    let mut text: String = scaled.processes.iter().map(|info| one(view, info)).collect();
    if !scaled.decisions.is_empty() {
        text += "\n";
        text += &decisions(view, &scaled.decisions);
    }
    text
}

/// One process.
pub fn one(view: &View, info: &AutoscaleInfo) -> String {
    let AutoscaleInfo { process, settings, count, .. } = info;
    let process = view.paint(Tone::Strong, process.as_str());
    let present = info.present.as_ref();
    let why = match (info.paused, present) {
        (true, _) => "paused: the count was set to 0 by hand".to_owned(),
        (false, Some(present)) => word(&present.decision.sentence),
        (false, None) => "the first decision is made within seconds".to_owned(),
    };
    let pairs = [("bounds", bounds(settings)), ("targets", targets(settings)), ("now", why)];
    format!("{process} runs {count}\n{}", facts(view, &pairs))
}

fn bounds(settings: &AutoscaleSettings) -> String {
    let AutoscaleSettings { min, max, down_window_ms, idle_ms, .. } = settings;
    let idle = if *min == 0 { format!(", asleep after {idle_ms} idle") } else { String::new() };
    format!("{min} to {max}{idle}; fewer after {down_window_ms}")
}

fn targets(settings: &AutoscaleSettings) -> String {
    let targets = settings.targets.iter().map(|(metric, target)| format!("{metric} {target}"));
    let targets: Vec<String> = targets.collect();
    if targets.is_empty() { "none".to_owned() } else { targets.join(", ") }
}

fn decisions(view: &View, decisions: &[DecisionInfo]) -> String {
    let mut table = Table::new(["WHEN", "PROCESS", "COUNT", "WHY"]);
    for info in decisions.iter().take(SHOWN) {
        let tone = match info.decision.verdict.effect() {
            Effect::More => Tone::Good,
            Effect::Fewer => Tone::Busy,
            Effect::Hindered => Tone::Doubtful,
            Effect::Kept => Tone::Quiet,
        };
        table.row([
            view.when(info.at).into(),
            info.process.as_str().into(),
            Cell::toned(tone, info.decision.count.to_string()),
            info.decision.sentence.as_str().into(),
        ]);
    }
    table.render(view)
}

/// What would have been.
pub fn simulation(view: &View, simulation: &Simulation) -> String {
    let outcome = &simulation.outcome;
    if outcome.covered_ms.0 == 0 {
        return "nothing was measured in that time\n".to_owned();
    }
    let share = |permille: u32| format!("{}.{} % of the time", permille / 10, permille % 10);
    let pairs = [
        ("measured", format!("{}, every {}", outcome.covered_ms, simulation.interval_ms)),
        ("instance hours", outcome.instance_hours.to_string()),
        ("as it was", outcome.recorded_instance_hours.to_string()),
        ("most at once", outcome.most.to_string()),
        ("over a target", share(outcome.over_target_permille)),
        ("at the maximum", share(outcome.at_max_permille)),
    ];
    let mut table = Table::new(["FROM", "COUNT"]);
    let first = outcome.steps.len().saturating_sub(SHOWN);
    for step in &outcome.steps[first..] {
        table.row([time::utc(step.at).into(), step.count.to_string().into()]);
    }
    let left_out =
        if first > 0 { format!("{first} earlier changes are left out\n") } else { String::new() };
    let process = view.paint(Tone::Strong, simulation.process.as_str());
    format!("{process}, simulated\n{}\n{left_out}{}", facts(view, &pairs), table.render(view))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use slipway_core::autoscale::replay::{Outcome, Step};
    use slipway_core::autoscale::{Amount, Decision, Numbers, Verdict};
    use slipway_core::metric::Metric;
    use slipway_core::time::Millis;

    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, minutes_ago, visible};

    fn settings(min: u32) -> AutoscaleSettings {
        let targets = [(Metric::Cpu, Amount::whole(60)), (Metric::P95Ms, Amount::whole(300))];
        AutoscaleSettings::new(min, 8, BTreeMap::from(targets))
    }

    fn decision(minutes: i64, count: u32, verdict: Verdict, sentence: &str) -> DecisionInfo {
        let numbers = Numbers { from: 2, wanted: Some(4), ..Numbers::default() };
        let sentence = sentence.to_owned();
        let decision = Decision { count, verdict, sentence, numbers };
        DecisionInfo { at: minutes_ago(minutes), process: "web".parse().unwrap(), decision }
    }

    fn scaled() -> AppAutoscale {
        let up = "up from 2 to 4: cpu is at 108 % against 60 %, which asks for 4";
        let decisions = vec![
            decision(3, 4, Verdict::Up, up),
            decision(9, 2, Verdict::Blind, "2 stay: cpu can be read of 0 of 2 instances"),
        ];
        let info = |process: &str, min, paused, present| AutoscaleInfo {
            process: process.parse().unwrap(),
            settings: settings(min),
            count: if paused { 0 } else { 4 },
            paused,
            present,
        };
        let processes =
            vec![info("web", 0, false, Some(decisions[0].clone())), info("worker", 1, true, None)];
        AppAutoscale { processes, decisions }
    }

    #[test]
    fn what_scales_by_itself_says_why_it_is_where_it_is() {
        insta::assert_snapshot!("autoscale", list(&PLAIN, &scaled()));
        insta::assert_snapshot!("autoscale_on_a_terminal", visible(&list(&TERMINAL, &scaled())));
        insta::assert_json_snapshot!("autoscale_as_json", scaled());
        let nothing = AppAutoscale { processes: vec![], decisions: vec![] };
        assert!(list(&PLAIN, &nothing).starts_with("nothing scales by itself"));
    }

    #[test]
    fn a_simulation_is_a_summary_and_its_steps() {
        let step = |minutes, count| Step { at: minutes_ago(minutes), count };
        let outcome = Outcome {
            steps: vec![step(60, 1), step(42, 3), step(20, 2)],
            covered_ms: Millis(3_600_000),
            instance_hours: Amount(1_850),
            recorded_instance_hours: Amount::whole(4),
            over_target_permille: 12,
            at_max_permille: 0,
            most: 3,
        };
        let simulated = Simulation {
            process: "web".parse().unwrap(),
            settings: settings(1),
            since: minutes_ago(60),
            until: NOW,
            interval_ms: Millis(5_000),
            outcome,
        };
        insta::assert_snapshot!("simulation", simulation(&PLAIN, &simulated));
    }
}
