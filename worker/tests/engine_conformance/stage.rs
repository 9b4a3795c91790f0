//! Where an engine is put to the test: an image without a registry, and specifications to run.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use slipway_core::id::{AppId, Id, InstanceId, ReleaseId};
use slipway_core::instance::{Endpoint, InstanceSpec, Lifetime, Observed};
use slipway_core::process::{Command, Limits};
use slipway_core::release::ImageRef;
use slipway_core::wire::attach::WindowSize;
use slipway_worker::engine::{Attached, Engine, EngineError, Program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// The port web instances are told to listen on.
pub const PORT: u16 = 8080;
/// A web server that answers `GET /` with 200.
pub const WEB: &str = "httpd -f -p $PORT -h /www";

/// An engine of an installation of its own, and what it needs to run something.
pub struct Stage<E> {
    pub engine: E,
    /// An image with busybox in `/bin` and a page in `/www`.
    pub image: ImageRef,
    pub app_id: AppId,
}

impl<E: Engine> Stage<E> {
    /// A web instance of the stage's app.
    pub fn web(&self) -> InstanceSpec {
        InstanceSpec { port: Some(PORT), ..self.service(WEB) }
    }

    /// A long-running instance without a port.
    pub fn service(&self, line: &str) -> InstanceSpec {
        InstanceSpec {
            id: new_id(),
            app_id: self.app_id.clone(),
            app: "shop".parse().unwrap(),
            release_id: ReleaseId::from_bits(7),
            process: "web".parse().unwrap(),
            image: self.image.clone(),
            command: Command::Shell(line.to_owned()),
            environment: BTreeMap::from([("PORT".to_owned(), PORT.to_string())]),
            port: None,
            limits: Limits { memory_bytes: 64 << 20, cpu_millis: None, pids: 64 },
            lifetime: Lifetime::Service,
        }
    }

    /// An instance that runs once.
    pub fn one_off(&self, line: &str) -> InstanceSpec {
        InstanceSpec { lifetime: Lifetime::OneOff, ..self.service(line) }
    }

    /// What the engine says about an instance now.
    pub async fn observed(&self, id: &InstanceId) -> Option<Observed> {
        self.engine.list().await.unwrap().into_iter().find(|observed| observed.id == *id)
    }

    /// Waits until the engine says this about an instance.
    pub async fn observed_as(
        &self,
        id: &InstanceId,
        what: &str,
        matches: impl Fn(&Observed) -> bool,
    ) -> Observed {
        eventually(what, async || self.observed(id).await.filter(|found| matches(found))).await
    }

    /// Starts a command in an instance.
    pub async fn attach(
        &self,
        id: &InstanceId,
        words: &[String],
        window: Option<WindowSize>,
    ) -> Result<Attached, EngineError> {
        let environment = BTreeMap::from([("TERM".to_owned(), "xterm".to_owned())]);
        let command = Program::Command { words, environment: &environment };
        self.engine.attach(id, command, window).await
    }

    /// Runs a line in an instance to its end: exit code and both outputs.
    pub async fn exec(&self, id: &InstanceId, line: &str) -> (i64, String) {
        let command = ["/bin/sh", "-c", line].map(str::to_owned);
        let attached = self.attach(id, &command, None).await.unwrap();
        let text = read_to_end(attached.output).await;
        (attached.exit.await.unwrap(), text)
    }
}

/// A new id of any kind.
pub fn new_id<T: Id>() -> T {
    let random = || RandomState::new().build_hasher().finish();
    T::from_bits(u128::from(random()) << 64 | u128::from(random()))
}

/// Polls until there is a value; fails after 30 s.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut poll: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Everything a stream of output has, as text; fails after 30 s.
pub async fn read_to_end(
    mut output: futures_util::stream::BoxStream<
        'static,
        Result<slipway_worker::engine::OutputChunk, slipway_worker::engine::EngineError>,
    >,
) -> String {
    let all = async {
        let mut text = Vec::new();
        while let Some(chunk) = futures_util::StreamExt::next(&mut output).await {
            text.extend_from_slice(&chunk.unwrap().bytes);
        }
        String::from_utf8(text).unwrap()
    };
    timeout(Duration::from_secs(30), all).await.expect("the output should end")
}

/// The status of a `GET /`, or nothing while nobody answers.
pub async fn get(endpoint: Endpoint) -> Option<u16> {
    let answer = async {
        let mut stream = TcpStream::connect(endpoint.0).await.ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    };
    timeout(Duration::from_secs(2), answer).await.ok()?
}

/// Waits until `GET /` answers 200.
pub async fn until_live(endpoint: Endpoint) {
    eventually("the instance answers", async || {
        get(endpoint).await.filter(|status| *status == 200)
    })
    .await;
}
