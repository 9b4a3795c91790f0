//! Alerts, channels, drains and the autoscaler: what is watched, who is told, what follows.

use std::collections::BTreeMap;

use slipway_core::alert::{Bounds, Scope, Severity, State, Status, effective};
use slipway_core::autoscale::replay::{Outcome, Step};
use slipway_core::autoscale::{Amount, AutoscaleSettings, Decision, Numbers, Verdict};
use slipway_core::id::{DeliveryId, DrainId, FiringId, Id as _};
use slipway_core::log::LogSource;
use slipway_core::metric::Metric;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::alert::{AlertInfo, AlertOrigin, Firing};
use slipway_core::wire::auth::Scope as Role;
use slipway_core::wire::autoscale::{AppAutoscale, AutoscaleInfo, DecisionInfo, Simulation};
use slipway_core::wire::channel::{Channel, ChannelMade, Delivery, DeliveryState};
use slipway_core::wire::drain::{DrainFailure, DrainInfo, DrainTest};

use super::domains::domain;
use super::fixtures::{NOW, answers, nothing_measured};
use super::{HOSTILE, assert_nothing_ran, count, render, signed_in, signed_in_as};
use crate::pages::alerts::{AlertsPage, Answers, Draft};
use crate::pages::app::autoscale::settings::SettingsForm;
use crate::pages::app::autoscale::{AutoscalePage, Draft as Settings};
use crate::pages::app::domains::DomainsPage;
use crate::pages::app::drains::{Draft as Tried, DrainsPage};
use crate::pages::app::scale::ScalePage;
use crate::pages::channels::ChannelsPage;

fn ago(seconds: u64) -> Timestamp {
    NOW - Millis::from_secs(seconds)
}

/// The alerts of every app in four states, and one of somebody's own that is off.
fn alerts() -> Vec<AlertInfo> {
    let states = [
        (State::Ok, None),
        (State::Firing { worst: 7.5 }, Some(3.25)),
        (State::Pending { held: Millis(60_000) }, Some(480.0)),
        (State::Ok, Some(41.0)),
    ];
    let rules = effective(Scope::App, BTreeMap::new()).into_iter().zip(states);
    let info = |((name, rule), (state, value)): ((_, slipway_core::alert::Rule), _)| AlertInfo {
        name,
        condition: rule.condition(),
        status: Some(Status {
            state,
            since: ago(400),
            value,
            bounds: rule.bounds(Some(200.0)),
            measured_at: None,
        }),
        rule,
        origin: AlertOrigin::Default,
    };
    let mut alerts: Vec<AlertInfo> = rules.map(info).collect();
    let mut own = alerts[3].clone();
    (own.name, own.origin, own.status) = ("own".parse().unwrap(), AlertOrigin::Own, None);
    own.rule.enabled = false;
    alerts.push(own);
    alerts
}

fn firing(sentence: &str, ended: bool) -> Firing {
    Firing {
        id: FiringId::from_bits(1),
        app: Some("shop".parse().unwrap()),
        alert: "errors".parse().unwrap(),
        severity: Severity::Critical,
        sentence: sentence.to_owned(),
        value: 3.2,
        bounds: Bounds { threshold: 1.0, clear: 0.9 },
        started_at: ago(1800),
        ended_at: ended.then(|| ago(1080)),
        ending: ended.then(|| "errors is 0 % again".to_owned()),
    }
}

fn channel(target: &str) -> Channel {
    Channel {
        name: "ops".parse().unwrap(),
        kind: "webhook".to_owned(),
        target: target.to_owned(),
        app: None,
        created_at: ago(90_000),
        created_by: "ada@example.com".to_owned(),
        latest: Some(Delivery {
            id: DeliveryId::from_bits(1),
            subject: "[firing] shop: errors is 3.2 %".to_owned(),
            state: DeliveryState::Waiting,
            attempts: 2,
            last_error: Some("it answered 503".to_owned()),
            created_at: ago(40),
            sent_at: None,
        }),
    }
}

fn of_shop(sentence: &str) -> Answers {
    Answers {
        app: Some(answers().app),
        alerts: alerts(),
        firings: vec![firing(sentence, false), firing(sentence, true)],
        channels: vec![channel("https://hooks.example.com/…")],
    }
}

#[test]
fn alerts_show_what_fires_first() {
    let page = AlertsPage::new(of_shop("errors is 3.2 %, above 1 %"), Draft::New, NOW);
    let html = render(signed_in, &page);
    let place = |name: &str| html.find(&format!("id=\"alert-{name}\"")).unwrap();
    assert!(place("errors") < place("latency") && place("latency") < place("crash-loop"));
    insta::assert_snapshot!("alerts", html);
}

#[test]
fn an_alert_that_is_changed_is_in_the_form() {
    let change = Draft::Of("memory".to_owned());
    let html = render(signed_in, &AlertsPage::new(of_shop(""), change, NOW));
    assert!(html.contains("Change memory</h2>"), "{html}");
    assert!(html.contains("value=\"90\""), "{html}");
    assert!(html.contains("<option value=\"memory\" selected>"), "{html}");
}

#[test]
fn the_host_has_alerts_of_its_own() {
    let host = Answers { app: None, alerts: Vec::new(), firings: Vec::new(), channels: Vec::new() };
    let html = render(signed_in, &AlertsPage::new(host, Draft::New, NOW));
    assert!(html.contains("Fullest disk of the host") && !html.contains("Requests a second"));
    assert!(html.contains("Nobody is told"), "{html}");
}

#[test]
fn a_secret_is_shown_when_it_is_made_and_at_no_other_time() {
    let made = ChannelMade { channel: channel("x"), secret: Some("whsec_1234".to_owned()) };
    let page = || ChannelsPage::new(vec![channel("https://hooks.example.com/…")], NOW);
    assert!(render(signed_in, &page().with_made(made)).contains("whsec_1234"));
    insta::assert_snapshot!("channels", render(signed_in, &page()));
}

#[test]
fn hostile_alerts_and_receivers_show_as_text() {
    let html = render(signed_in, &AlertsPage::new(of_shop(HOSTILE), Draft::New, NOW));
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 2, "{html}");
    assert_nothing_ran(&html);
    let html = render(signed_in, &ChannelsPage::new(vec![channel(HOSTILE)], NOW));
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 1, "{html}");
    assert_nothing_ran(&html);
    let html = render(signed_in, &drains_page(HOSTILE));
    assert!(count(&html, "&lt;script&gt;alert(1)&lt;") > 1, "{html}");
    assert_nothing_ran(&html);
}

fn drains_page(address: &str) -> DrainsPage {
    let drain = |bits, failure| DrainInfo {
        id: DrainId::from_bits(bits),
        address: address.to_owned(),
        sources: vec![LogSource::App, LogSource::Access],
        created_at: ago(9000),
        created_by: "ada@example.com".to_owned(),
        delivered_at: Some(ago(30)),
        behind_bytes: 12_300,
        failure,
    };
    let failure = DrainFailure { since: ago(600), message: "connection refused".to_owned() };
    let test = DrainTest { delivered: false, error: Some("it answered 403".to_owned()) };
    let drains = vec![drain(1, None), drain(2, Some(failure)), drain(3, None)];
    DrainsPage::new(answers().app, drains, Tried::Tested(DrainId::from_bits(3), test), NOW)
}

#[test]
fn drains_show_how_each_is_doing() {
    insta::assert_snapshot!("drains", render(signed_in, &drains_page("syslog://10.0.0.5:514")));
}

fn settings() -> AutoscaleSettings {
    AutoscaleSettings::new(1, 8, BTreeMap::from([(Metric::Cpu, Amount::whole(60))]))
}

fn scaled() -> AppAutoscale {
    let up = "up from 2 to 4: cpu is at 108 % against 60 %, which asks for 4";
    let decision = DecisionInfo {
        at: ago(60),
        process: "web".parse().unwrap(),
        decision: Decision {
            count: 4,
            verdict: Verdict::Up,
            sentence: up.to_owned(),
            numbers: Numbers::default(),
        },
    };
    let web = AutoscaleInfo {
        process: "web".parse().unwrap(),
        settings: settings(),
        count: 4,
        paused: false,
        present: Some(decision.clone()),
    };
    AppAutoscale { processes: vec![web], decisions: vec![decision] }
}

#[test]
fn scaling_shows_what_is_set_by_hand_and_what_by_itself() {
    let page = ScalePage::new(answers().app, &scaled(), NOW);
    insta::assert_snapshot!("scale", render(signed_in, &page));
}

fn simulation(steps: Vec<Step>, covered: Millis) -> Simulation {
    Simulation {
        process: "web".parse().unwrap(),
        settings: settings(),
        since: ago(7 * 86_400),
        until: NOW,
        interval_ms: Millis::from_secs(600),
        outcome: Outcome {
            steps,
            covered_ms: covered,
            instance_hours: Amount(185_500),
            recorded_instance_hours: Amount::whole(400),
            over_target_permille: 12,
            at_max_permille: 0,
            most: 3,
        },
    }
}

#[test]
fn a_simulation_is_drawn_beside_what_was() {
    let mut was = answers().metrics;
    was.series.truncate(1);
    was.series[0].values = vec![Some(2.0), Some(2.0), None];
    let steps = vec![Step { at: ago(100), count: 3 }];
    let simulated = simulation(steps, Millis::from_secs(5 * 86_400));
    let draft = Settings::Simulated(SettingsForm::default(), Box::new((simulated, was)));
    let web = "web".parse().unwrap();
    let page = AutoscalePage::new(answers().app, &web, scaled(), draft, NOW).unwrap();
    insta::assert_snapshot!("autoscale_simulated", render(signed_in, &page));
}

#[test]
fn without_measurements_a_simulation_says_so() {
    let nothing = (simulation(Vec::new(), Millis(0)), nothing_measured());
    let draft = Settings::Simulated(SettingsForm::default(), Box::new(nothing));
    let worker = "worker".parse().unwrap();
    let page = AutoscalePage::new(answers().app, &worker, scaled(), draft, NOW).unwrap();
    let html = render(signed_in, &page);
    assert!(html.contains("Nothing was measured in the last 7 days"), "{html}");
    assert!(html.contains("Scale worker by itself"), "{html}");
    let nobody = "nobody".parse().unwrap();
    assert!(AutoscalePage::new(answers().app, &nobody, scaled(), Settings::Present, NOW).is_none());
}

/// The forms of a page that would change something, beside the one that signs out.
fn offers(html: &str) -> usize {
    html.matches("<form").count() - html.matches("action=\"/sign-out\"").count()
}

#[test]
fn nobody_is_offered_what_their_role_does_not_cover() {
    let alerts = |role| {
        let page = |answers| render(signed_in_as(role), &AlertsPage::new(answers, Draft::New, NOW));
        let host = Answers { app: None, ..of_shop("") };
        (offers(&page(of_shop(""))) > 0, offers(&page(host)) > 0)
    };
    assert_eq!(alerts(Role::Read), (false, false));
    assert_eq!(alerts(Role::Write), (true, false));
    assert_eq!(alerts(Role::Admin), (true, true));

    let channels = |role| {
        let page = ChannelsPage::new(vec![channel("https://hooks.example.com/…")], NOW);
        offers(&render(signed_in_as(role), &page))
    };
    assert_eq!((channels(Role::Write), channels(Role::Admin)), (0, 3));

    let drains = |role| offers(&render(signed_in_as(role), &drains_page("syslog://10.0.0.5:514")));
    assert_eq!((drains(Role::Deploy), drains(Role::Write)), (0, 7));

    let domains = |role| {
        let page = DomainsPage::new(answers().app, vec![domain("shop.example.com")], NOW);
        let html = render(signed_in_as(role), &page);
        (offers(&html), html.contains(">Remove<"))
    };
    assert_eq!(domains(Role::Deploy), (0, false));
    assert_eq!(domains(Role::Write), (1, true));
}

#[test]
fn a_reader_may_simulate_and_not_save() {
    let web = "web".parse().unwrap();
    let page =
        || AutoscalePage::new(answers().app, &web, scaled(), Settings::Present, NOW).unwrap();
    let html = render(signed_in_as(Role::Read), &page());
    assert!(html.contains(">Simulate<") && html.contains("Try it on the last"), "{html}");
    assert!(!html.contains(">Save<") && !html.contains(">Turn off<"), "{html}");
    let html = render(signed_in_as(Role::Write), &page());
    assert!(html.contains(">Save<") && html.contains(">Turn off<"), "{html}");
}
