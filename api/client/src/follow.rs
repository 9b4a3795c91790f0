//! Live streams that outlast their connections.

use std::time::Duration;

use async_stream::try_stream;
use futures_util::future::ready;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use crate::call::{CALL_DEADLINE, Call};
use crate::client::Client;
use crate::error::ClientError;
use crate::signature::Signature;
use crate::sse::{Decoder, Message};

/// A live stream: each item with the id after which it could be resumed.
///
/// A broken connection is made again and continues after the last id. The stream ends after the
/// last item, if the route has one, and with the first error that time does not heal.
pub type Updates<T> = BoxStream<'static, Result<(Option<String>, T), ClientError>>;

/// The server sends a comment every 15 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(45);
/// How long reconnecting is tried without a byte from the server.
const PATIENCE: Duration = Duration::from_mins(2);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Client {
    /// Follows a route's stream, after `resume` when given, up to the item that `is_last`.
    pub(crate) fn follow<T>(
        &self,
        call: Call,
        resume: Option<String>,
        is_last: fn(&T) -> bool,
    ) -> Updates<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let updates = self.follow_closely(call, resume, is_last);
        updates.try_filter_map(|(id, item)| ready(Ok(item.map(|item| (id, item))))).boxed()
    }

    /// The same, with every id up to which the server found no item.
    pub(crate) fn follow_closely<T>(
        &self,
        call: Call,
        resume: Option<String>,
        is_last: fn(&T) -> bool,
    ) -> Updates<Option<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let client = self.clone();
        let call = call.header("accept", "text/event-stream");
        let stream = try_stream! {
            let mut connection = Connection::open(&client, &call, resume).await?;
            loop {
                let Some(message) = connection.next(&client).await else {
                    connection = connection.reopen(&client, &call).await?;
                    continue;
                };
                let Message { id, data } = message?;
                let Some(data) = data else {
                    yield (id, None);
                    continue;
                };
                let item: T = serde_json::from_str(&data).map_err(|error| {
                    protocol(&client, format!("an item of a stream does not fit: {error}"))
                })?;
                let last = is_last(&item);
                yield (id, Some(item));
                if last {
                    break;
                }
            }
        };
        stream.boxed()
    }
}

struct Connection {
    response: Response,
    decoder: Decoder,
    /// When the server was last heard.
    heard: Instant,
    pause: Duration,
}

impl Connection {
    async fn open(client: &Client, call: &Call, id: Option<String>) -> Result<Self, ClientError> {
        let response = connect(client, call, id.as_deref()).await?;
        let decoder = Decoder::resuming(id);
        Ok(Self { response, decoder, heard: Instant::now(), pause: FIRST_PAUSE })
    }

    /// The next event; `None` when the connection broke, closed or fell silent.
    async fn next(&mut self, client: &Client) -> Option<Result<Message, ClientError>> {
        loop {
            if let Some(message) = self.decoder.next() {
                return Some(Ok(message));
            }
            let bytes = timeout(SILENCE, self.response.chunk()).await.ok()?.ok()??;
            self.heard = Instant::now();
            self.pause = FIRST_PAUSE;
            if self.decoder.push(&bytes).is_err() {
                return Some(Err(protocol(client, "an endless item of a stream".to_owned())));
            }
        }
    }

    /// Connects again after the last id, with growing pauses, until the patience ends.
    async fn reopen(self, client: &Client, call: &Call) -> Result<Self, ClientError> {
        let id = self.decoder.last_id().map(str::to_owned);
        let mut pause = self.pause;
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match connect(client, call, id.as_deref()).await {
                Ok(response) => {
                    let decoder = Decoder::resuming(id);
                    return Ok(Self { response, decoder, heard: self.heard, pause });
                }
                Err(error) if error.is_transient() && self.heard.elapsed() < PATIENCE => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens the stream; its head has a deadline, its body has [`SILENCE`].
async fn connect(client: &Client, call: &Call, id: Option<&str>) -> Result<Response, ClientError> {
    let mut signature = Signature::of(client).await;
    loop {
        let mut request = client.request(call, signature.access());
        if let Some(id) = id {
            request = request.header("last-event-id", id);
        }
        let Ok(answer) = timeout(CALL_DEADLINE, request.send()).await else {
            let server = client.server().clone();
            return Err(ClientError::TimedOut { server, after: CALL_DEADLINE });
        };
        let response = answer.map_err(|error| client.lost(&error, CALL_DEADLINE))?;
        if let Some(accepted) = signature.settle(response).await? {
            return Ok(accepted);
        }
    }
}

fn protocol(client: &Client, what: String) -> ClientError {
    ClientError::Protocol { server: client.server().clone(), status: None, what }
}
