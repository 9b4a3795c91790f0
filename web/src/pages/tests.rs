//! Whole pages, from what the API says to what the browser gets.

mod domains;
mod fixtures;
mod members;
mod panels;
mod server;
mod watching;

use slipway_core::deployment::{DeploymentKind, DeploymentState};
use slipway_core::process::Formation;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::ImageRef;
use slipway_core::time::Millis;
use slipway_core::wire::app::AppHealth;
use slipway_core::wire::auth::Scope;
use slipway_core::wire::config::{ConfigEntry, ConfigList, ConfigValue};
use slipway_core::wire::metrics::{AppTraffic, TrafficOverview};
use slipway_core::wire::release::{Differences, ReleaseInfo, ReleaseSummary};

use crate::WebSettings;
use crate::console::Console;
use crate::failure::FailurePage;
use crate::pages::app::AppPage;
use crate::pages::app::config::ConfigPage;
use crate::pages::app::config::edit::EditPage;
use crate::pages::app::releases::ReleasesPage;
use crate::pages::app::rollback::RollbackPage;
use crate::pages::app::rows::ReleaseRow;
use crate::pages::apps::AppsPage;
use crate::pages::claim::ClaimPage;
use crate::pages::deployment::DeploymentPage;
use crate::pages::deployment::output::Output;
use crate::pages::sign_in::SignInPage;
use crate::templates::{Frame, Trouble, View};
use crate::view::app_head::{AppHead, Tab};
use crate::view::prose::sentence;
use crate::view::rights::Rights;
use fixtures::{NOW, answers, app, deployment, failed, first_answers, releases, session};

fn console() -> std::sync::Arc<Console> {
    let here = "http://localhost:8080".to_owned();
    let settings = WebSettings { api_url: here.clone(), public_url: here, secret: None };
    Console::new(settings).unwrap()
}

fn render<V: View>(frame: impl FnOnce(&Console) -> Frame, view: &V) -> String {
    let console = console();
    let html = console.templates.render(&frame(&console), view).unwrap().0;
    // The style's name changes with every change of it; pages do not.
    html.replace(&console.assets.style.name, "STYLE.css")
        .replace(&console.assets.script.name, "SCRIPT.js")
        .replace(&console.assets.charts.name, "CHARTS.js")
        .replace(&console.assets.icon.name, "ICON.svg")
}

fn signed_in(console: &Console) -> Frame {
    let mut frame = Frame::of(console, Some(&session()));
    frame.version = Some("0.1.0".to_owned());
    frame
}

fn signed_in_as(role: Scope) -> impl FnOnce(&Console) -> Frame {
    move |console| {
        let mut frame = signed_in(console);
        frame.may = Rights::of(role);
        frame
    }
}

fn with_form(console: &Console) -> Frame {
    Frame::with_form(console, "form-token".to_owned())
}

fn server() -> slipway_client::ServerUrl {
    "http://localhost:8080".parse().unwrap()
}

fn output(lines: &[&str]) -> Output {
    let mut output = Output::default();
    for line in lines {
        output.push(line);
    }
    output
}

#[test]
fn the_list_shows_how_every_app_is() {
    let page = AppsPage::new(
        vec![
            app("shop", AppHealth::Healthy),
            app("billing", AppHealth::Deploying),
            app("reports", AppHealth::Degraded),
            app("api-v1", AppHealth::Down),
            app("landing", AppHealth::Empty),
        ],
        &server(),
        NOW,
    )
    .with_traffic(traffic());
    let frame = |console: &Console| {
        let mut frame = signed_in(console);
        frame.refresh_s = Some(5);
        frame.troubles = vec![Trouble { name: "docker".into(), message: "does not answer".into() }];
        frame
    };
    insta::assert_snapshot!("apps", render(frame, &page));
}

fn traffic() -> TrafficOverview {
    let shop = AppTraffic {
        app: "shop".parse().unwrap(),
        rps: Some(812.0),
        p95_ms: Some(43.0),
        curve: vec![Some(790.0), None, Some(812.0)],
    };
    let minute = |back: u64| NOW - Millis::from_secs(60 * back);
    TrafficOverview {
        times: vec![minute(2), minute(1), minute(0)],
        step_ms: Millis::from_secs(60),
        apps: vec![shop],
    }
}

#[test]
fn without_apps_the_list_shows_how_to_push_one() {
    let page = AppsPage::new(Vec::new(), &server(), NOW);
    insta::assert_snapshot!("apps_empty", render(signed_in, &page));
}

#[test]
fn an_app_shows_what_runs_and_the_way_back() {
    insta::assert_snapshot!("app", render(signed_in, &AppPage::new(answers(), &server(), NOW)));
}

fn releases_page(releases: Vec<ReleaseSummary>) -> ReleasesPage {
    ReleasesPage {
        head: AppHead::new(app("shop", AppHealth::Healthy), Tab::Releases, NOW),
        releases: releases.into_iter().map(|release| ReleaseRow::new(release, NOW)).collect(),
        older: Some(38),
    }
}

#[test]
fn releases_show_the_way_back() {
    insta::assert_snapshot!("releases", render(signed_in, &releases_page(releases())));
}

#[test]
fn a_rollback_shows_what_differs_and_what_stays() {
    let differences = Differences {
        from_version: 42,
        to_version: 41,
        code: Some(("3f2a9c1 fix the cart".to_owned(), "9b1d4e2 add the cart".to_owned())),
        config_added: vec!["OLD_KEY".parse().unwrap()],
        config_removed: vec!["NEW_KEY".parse().unwrap()],
        config_changed: vec!["COLOUR".parse().unwrap()],
        processes: vec!["web: command changed".to_owned()],
    };
    let target = |differences| ReleaseInfo {
        summary: fixtures::release(41, false),
        image: ImageRef { repository: String::new(), digest: String::new() },
        formation: Formation::default(),
        origin: None,
        config_keys: Vec::new(),
        differs_from_live: Some(differences),
    };
    let page = RollbackPage::new(answers().app, target(differences), NOW);
    insta::assert_snapshot!("rollback", render(signed_in, &page));
    let page = RollbackPage::new(answers().app, target(Differences::default()), NOW);
    assert!(render(signed_in, &page).contains("Nothing: both run the same image"));
}

#[test]
fn configuration_is_masked_and_edited_without_its_values() {
    let list = || ConfigList {
        entries: vec![ConfigEntry {
            key: "COLOUR".parse().unwrap(),
            bytes: 4,
            updated_at: NOW,
            generated: false,
        }],
        etag: "tag".to_owned(),
    };
    let page = ConfigPage::new(answers().app, list(), None, NOW);
    insta::assert_snapshot!("config", render(signed_in, &page));
    let value = ConfigValue { key: "COLOUR".parse().unwrap(), value: "<blue>".to_owned() };
    let html = render(signed_in, &ConfigPage::new(answers().app, list(), Some(&value), NOW));
    assert!(html.contains("&lt;blue&gt;</pre>"), "{html}");
    let page = EditPage::new(answers().app, list(), NOW);
    insta::assert_snapshot!("config_edit", render(signed_in, &page));
}

#[test]
fn a_new_app_shows_how_to_push() {
    let page = AppPage::new(first_answers(), &server(), NOW);
    insta::assert_snapshot!("app_new", render(signed_in, &page));
}

#[test]
fn a_deployment_under_way_is_followed() {
    let mut running = deployment(43, DeploymentKind::Push, DeploymentState::Starting);
    running.finished_at = None;
    running.receipt = None;
    let output = output(&[
        "-----> Python 3.11, Django 5.2 (shop/wsgi.py)",
        "-----> Installing 14 packages (cached)",
        "       \u{1b}[32masgiref 3.8.1\u{1b}[0m",
        " !     DEBUG is on",
    ]);
    let page = DeploymentPage::new(running, output, NOW);
    let frame = |console: &Console| {
        let mut frame = signed_in(console);
        frame.refresh_s = Some(3);
        frame
    };
    insta::assert_snapshot!("deployment_running", render(frame, &page));
}

#[test]
fn a_deployment_that_is_live_shows_its_receipt() {
    let live = deployment(42, DeploymentKind::Push, DeploymentState::Succeeded);
    let output = output(&[
        "-----> Python 3.11, Django 5.2 (shop/wsgi.py)",
        "-----> Installing 14 packages (cached)",
        "-----> collectstatic: 127 files",
        "-----> release: python manage.py migrate --noinput  (1.2 s)",
        "-----> Starting v42: web=2 … 2 ready in 1.9 s",
        "-----> Switched: 812 requests served meanwhile, 0 dropped",
        "=====> shop v42 is live at http://shop.localhost:8080",
        "       Undo: slipway rollback v41",
    ]);
    let page = DeploymentPage::new(live, output, NOW);
    insta::assert_snapshot!("deployment_live", render(signed_in, &page));
}

#[test]
fn a_failed_deployment_shows_why_and_what_to_do() {
    let page = DeploymentPage::new(failed(), output(&["-----> Starting v43: web=2"]), NOW);
    insta::assert_snapshot!("deployment_failed", render(signed_in, &page));
}

#[test]
fn the_doors_ask_for_little() {
    insta::assert_snapshot!("sign_in", render(with_form, &SignInPage::default()));
    let again = SignInPage {
        email: "ada@example.com".to_owned(),
        error: Some(sentence("the e-mail address or the password is wrong")),
        next: "/apps/shop".to_owned(),
    };
    insta::assert_snapshot!("sign_in_refused", render(with_form, &again));
    insta::assert_snapshot!("claim", render(with_form, &ClaimPage::default()));
}

#[test]
fn a_failure_has_a_page() {
    let page = FailurePage {
        status: 502,
        title: "The API does not answer",
        message: sentence("cannot reach http://127.0.0.1:8090: Connection refused"),
        hint: Some(sentence("run `slipway status`")),
        request_id: Some("req_1".to_owned()),
    };
    insta::assert_snapshot!("failure", render(signed_in, &page));
}

const HOSTILE: &str = "</span><script>alert(1)</script><img src=x onerror='a' \"b\"> & {{ 7 * 7 }}";

#[test]
fn hostile_output_shows_as_text() {
    let reason = Reason::new(ReasonCode::Exited, HOSTILE).with_last_lines(vec![HOSTILE.into()]);
    let mut hostile = deployment(7, DeploymentKind::Push, DeploymentState::Failed { reason });
    hostile.source = Some(HOSTILE.to_owned());
    hostile.created_by = HOSTILE.to_owned();
    hostile.hint = Some(HOSTILE.to_owned());
    let html = render(signed_in, &DeploymentPage::new(hostile, output(&[HOSTILE]), NOW));
    // Its what, who, cause, hint, last line and output.
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 6, "{html}");
    assert_nothing_ran(&html);
}

#[test]
fn hostile_commits_and_commands_show_as_text() {
    let mut answers = answers();
    answers.app.summary.source = Some(HOSTILE.to_owned());
    answers.app.processes[0].command = HOSTILE.to_owned();
    answers.deployments[0].source = Some(HOSTILE.to_owned());
    let html = render(signed_in, &AppPage::new(answers, &server(), NOW));
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 2, "{html}");
    assert_nothing_ran(&html);
}

#[test]
fn hostile_releases_show_as_text() {
    let mut releases = releases();
    releases[1].source = Some(HOSTILE.to_owned());
    releases[1].description = HOSTILE.to_owned();
    let html = render(signed_in, &releases_page(releases));
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 2, "{html}");
    assert_nothing_ran(&html);
}

fn count(html: &str, text: &str) -> usize {
    html.replace("&#x2F;", "/").matches(text).count()
}

fn assert_nothing_ran(html: &str) {
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(!html.contains("<img"), "{html}");
    assert!(!html.contains("49"), "a template inside of a text was run: {html}");
}
