//! An image that serves, asked over HTTP.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use slipway_core::id::{Id, InstanceId, ReleaseId};
use slipway_core::instance::{Endpoint, InstanceSpec, Lifetime};
use slipway_worker::engine::{Engine, Program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bench::{Bench, Built, chance};

/// What a server said, as far as these tests look.
struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
        };
        let content_type = head.lines().find_map(field).unwrap_or_default();
        Some(Self { status, content_type, body: body.to_owned() })
    }
}

/// A running web process.
pub struct Serving<'a> {
    bench: &'a Bench,
    id: InstanceId,
    endpoint: Endpoint,
}

impl Bench {
    /// Runs the web process of what was built, and waits until it answers.
    pub async fn serve(&self, built: &Built, environment: &[(&str, &str)]) -> Serving<'_> {
        let (name, web) = built.formation.processes.iter().find(|(name, _)| name.is_web()).unwrap();
        let port = web.port.unwrap();
        let mut variables: BTreeMap<String, String> = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        variables.insert("PORT".to_owned(), port.to_string());
        let spec = InstanceSpec {
            id: InstanceId::from_bits(chance()),
            app_id: self.app_id.clone(),
            app: "bench".parse().unwrap(),
            release_id: ReleaseId::from_bits(chance()),
            process: name.clone(),
            image: built.image.clone(),
            command: web.command.clone(),
            environment: variables,
            port: Some(port),
            limits: web.limits,
            lifetime: Lifetime::Service,
        };
        let endpoint = self.docker.start(&spec).await.unwrap().unwrap();
        let serving = Serving { bench: self, id: spec.id, endpoint };
        serving.wait().await;
        serving
    }
}

impl Serving<'_> {
    async fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.ask("/").await.is_err() {
            assert!(Instant::now() < deadline, "it never answered: {:#?}", self.output().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn output(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut output = self.bench.docker.logs(&self.id, None);
        while let Ok(Some(Ok(chunk))) =
            tokio::time::timeout(Duration::from_secs(1), output.next()).await
        {
            lines.push(String::from_utf8_lossy(&chunk.bytes).into_owned());
        }
        lines
    }

    async fn ask(&self, path: &str) -> io::Result<Answer> {
        let asking = async {
            let mut stream = TcpStream::connect(self.endpoint.0).await?;
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            Answer::parse(&text).ok_or_else(|| io::Error::other(format!("no answer: {text}")))
        };
        timeout(Duration::from_secs(5), asking).await?
    }

    /// The status and body of a page.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.ask(path).await.unwrap();
        (answer.status, answer.body)
    }

    /// What a page says it is.
    pub async fn content_type(&self, path: &str) -> String {
        self.ask(path).await.unwrap().content_type
    }

    /// The exit code and output of a command inside.
    pub async fn exec(&self, command: &[&str]) -> (i64, String) {
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let command = Program::Command { words: &words, environment: &BTreeMap::new() };
        let mut attached = self.bench.docker.attach(&self.id, command, None).await.unwrap();
        let mut text = String::new();
        while let Some(Ok(chunk)) = attached.output.next().await {
            text.push_str(&String::from_utf8_lossy(&chunk.bytes));
        }
        (attached.exit.await.unwrap(), text)
    }

    /// Stops it.
    pub async fn stop(self) {
        self.bench.docker.stop(&self.id, Duration::from_secs(5)).await.unwrap();
    }
}
