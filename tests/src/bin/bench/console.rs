//! The console's list of apps, when there are a thousand.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use hyper::{Method, Request, StatusCode};
use slipway_core::wire::app::CreateApp;
use slipway_tests::Slipway;
use slipway_tests::http::{Answer, Connection};

use crate::measure::{in_ms, median};
use crate::table::{Line, Table};

const APPS: usize = 1000;
const ROUNDS: usize = 21;
const GOAL: Duration = Duration::from_millis(50);
/// Who claims the installation of a bench.
const SIGN_IN: &str = "email=ada%40example.com&password=correct+horse+battery+staple&next=";

/// The list and a page of one app, each asked for by somebody who is signed in.
pub async fn thousand_apps(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    for number in 0..APPS {
        let name = format!("app-{number:04}").parse()?;
        slipway.client().create_app(&CreateApp { name }).await?;
    }
    let mut person = Person::sign_in(slipway).await?;
    for (what, path, holds) in [
        ("the console's list of 1000 apps", "/", "app-0999"),
        ("the console's page of one of them", "/apps/app-0500", "app-0500"),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let page = person.get(path).await?;
            times.push(began.elapsed());
            ensure!(page.status == StatusCode::OK && page.text().contains(holds), "{path}");
        }
        let time = median(&times)?;
        table.add(Line {
            what: what.to_owned(),
            slipway: in_ms(time),
            by_hand: String::new(),
            ratio: None,
            goal: format!("< {}", in_ms(GOAL)),
            is_met: time < GOAL,
        });
    }
    Ok(())
}

/// A browser's connection and its cookie.
struct Person {
    connection: Connection,
    host: String,
    cookie: String,
}

impl Person {
    async fn sign_in(slipway: &Slipway) -> anyhow::Result<Self> {
        let address = slipway.console();
        let connection = Connection::open(address).await?;
        let host = address.to_string();
        let mut person = Self { connection, host, cookie: String::new() };
        let door = person.get("/sign-in").await?;
        person.cookie = cookie(&door)?;
        let html = door.text();
        let token = html.split("name=\"form_token\" value=\"").nth(1);
        let token = token.and_then(|rest| rest.split('"').next()).context("a form's token")?;
        let form = format!("form_token={token}&{SIGN_IN}");
        let welcome = person.send(Method::POST, "/sign-in", form).await?;
        ensure!(welcome.status == StatusCode::SEE_OTHER, "{}", welcome.text());
        person.cookie = cookie(&welcome)?;
        Ok(person)
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, String::new()).await
    }

    async fn send(&mut self, method: Method, path: &str, form: String) -> anyhow::Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(ORIGIN, format!("http://{}", self.host))
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))?;
        self.connection.send(request).await
    }
}

/// `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer) -> anyhow::Result<String> {
    let set = answer.headers.get(SET_COOKIE).context("a cookie is set")?.to_str()?;
    Ok(set.split(';').next().unwrap_or_default().to_owned())
}
