//! Being attached to a command: frames in both directions over one WebSocket.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Response, StatusCode, Upgraded};
use slipway_core::wire::attach::{ClientFrame, MAX_FRAME_BYTES, ServerFrame};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use crate::call::{CALL_DEADLINE, Call};
use crate::client::Client;
use crate::error::ClientError;
use crate::server::ServerUrl;
use crate::signature::Signature;

/// The server shows that it lives every 15 s: a longer silence is a dead connection.
const SILENCE: Duration = Duration::from_mins(1);

/// A line to a command. Dropping both ends of it ends the command.
pub struct Attachment {
    /// Takes what the person types.
    pub says: Says,
    /// Brings what the command prints.
    pub hears: Hears,
}

/// The end that sends.
pub struct Says {
    server: ServerUrl,
    socket: SplitSink<WebSocketStream<Upgraded>, Message>,
}

/// The end that receives.
pub struct Hears {
    server: ServerUrl,
    socket: SplitStream<WebSocketStream<Upgraded>>,
}

impl Client {
    /// Opens a WebSocket at a route.
    pub(crate) async fn attach(&self, call: Call) -> Result<Attachment, ClientError> {
        let key = generate_key();
        let answer = self.switch(&call, &key).await?;
        let server = self.server().clone();
        let protocol = |what: &str, status: StatusCode| ClientError::Protocol {
            server: server.clone(),
            status: Some(status.as_u16()),
            what: what.to_owned(),
        };
        let status = answer.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(protocol(
                "no WebSocket; something in between may not let them pass",
                status,
            ));
        }
        let accepted = answer.headers().get(SEC_WEBSOCKET_ACCEPT);
        if accepted
            .is_none_or(|found| found.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes())
        {
            return Err(protocol("a WebSocket for somebody else", status));
        }
        let upgraded = answer.upgrade().await.map_err(|error| self.lost(&error, CALL_DEADLINE))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        let (says, hears) = socket.split();
        Ok(Attachment {
            says: Says { server: server.clone(), socket: says },
            hears: Hears { server: server.clone(), socket: hears },
        })
    }

    /// Asks to switch to a WebSocket with this key.
    async fn switch(&self, call: &Call, key: &str) -> Result<Response, ClientError> {
        let client = self.for_upgrades()?;
        let mut signature = Signature::of(&client).await;
        loop {
            let request = client
                .request(call, signature.access())
                .header(CONNECTION, "Upgrade")
                .header(UPGRADE, "websocket")
                .header(SEC_WEBSOCKET_VERSION, "13")
                .header(SEC_WEBSOCKET_KEY, key);
            let Ok(answer) = timeout(CALL_DEADLINE, request.send()).await else {
                let server = client.server().clone();
                return Err(ClientError::TimedOut { server, after: CALL_DEADLINE });
            };
            let response = answer.map_err(|error| client.lost(&error, CALL_DEADLINE))?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(response);
            }
            if let Some(accepted) = signature.settle(response).await? {
                return Ok(accepted);
            }
        }
    }
}

impl Says {
    /// Sends a frame, as slowly as the server takes it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn say(&mut self, frame: &ClientFrame) -> Result<(), ClientError> {
        let sent = self.socket.send(Message::Binary(frame.encode().into())).await;
        sent.map_err(|error| broken(&self.server, error.to_string()))
    }
}

impl Hears {
    /// The next frame. After the last one there is nothing to wait for.
    ///
    /// # Errors
    /// When the connection is gone before the last frame, or brings what is no frame.
    pub async fn next(&mut self) -> Result<ServerFrame, ClientError> {
        loop {
            let Ok(message) = timeout(SILENCE, self.socket.next()).await else {
                return Err(broken(&self.server, format!("silence for {} s", SILENCE.as_secs())));
            };
            match message {
                Some(Ok(Message::Binary(frame))) => {
                    return ServerFrame::decode(&frame).map_err(|error| ClientError::Protocol {
                        server: self.server.clone(),
                        status: None,
                        what: error.to_string(),
                    });
                }
                Some(Ok(Message::Close(_))) | None => {
                    return Err(broken(&self.server, "the connection was closed".to_owned()));
                }
                Some(Ok(
                    Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                )) => {}
                Some(Err(error)) => return Err(broken(&self.server, error.to_string())),
            }
        }
    }
}

fn broken(server: &ServerUrl, cause: String) -> ClientError {
    ClientError::Unreachable { server: server.clone(), cause }
}
