//! The bridge between a person and the program they are attached to.

use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::wire::attach::{
    ClientFrame, INPUT_WINDOW_BYTES, MAX_CHUNK_BYTES, ServerFrame, WindowSize,
};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Hears, LineError, Peer, Says};
use crate::engine::{Attached, EngineError, OutputChunk};

/// Frames that wait to be sent. The pace is the person's.
const BUFFERED: usize = 16;
/// How long both sides may be silent.
const IDLE: Duration = Duration::from_hours(1);

/// How long a program may be attached to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From its start to its end.
    pub total: Duration,
    /// Without a byte in either direction.
    pub idle: Duration,
}

impl Limits {
    /// So long in all, and an hour of silence.
    pub fn of(total: Duration) -> Self {
        Self { total, idle: IDLE }
    }
}

/// How it ended.
#[derive(Debug)]
pub enum Parting {
    /// The program ended by itself.
    Exited(i64),
    /// The person is gone.
    PeerGone,
    /// It took longer than it may.
    OutOfTime,
    /// Nobody said anything for too long.
    Idle,
    /// The caller had to stop.
    Stopped,
    /// The engine failed.
    Engine(EngineError),
}

/// Passes input, sizes and output on until the program ends, the person goes, `stop` resolves, or
/// time runs out.
/// `record` sees every piece of output. Dropping the program is the end of it; the last frame is
/// for the caller to send.
pub async fn bridge(
    peer: Peer,
    attached: Attached,
    limits: Limits,
    mut record: impl FnMut(&OutputChunk),
    stop: impl Future<Output = ()>,
) -> (Hears, Parting) {
    let Peer { mut hears, says } = peer;
    let Attached { input, mut output, window, exit, line } = attached;
    let (frames, mut outgoing) = mpsc::channel::<ServerFrame>(BUFFERED);
    let (stir, last_stir) = watch::channel(Instant::now());
    let mut sent = Box::pin(async {
        while let Some(frame) = outgoing.recv().await {
            hears.tell(&frame).await?;
        }
        Ok::<_, LineError>(())
    });
    let listens = listen(says, input, window, frames.clone(), stir.clone());
    let shows = async {
        while let Some(chunk) = output.next().await {
            let chunk = chunk?;
            stir.send_replace(Instant::now());
            record(&chunk);
            for piece in chunk.bytes.chunks(MAX_CHUNK_BYTES) {
                let kind =
                    if chunk.stderr { ServerFrame::ErrorOutput } else { ServerFrame::Output };
                // A person who is gone is noticed where their frames are read.
                let _gone = frames.send(kind(piece.to_vec())).await;
            }
        }
        exit.await
    };
    let parting = tokio::select! {
        code = shows => code.map_or_else(Parting::Engine, Parting::Exited),
        () = listens => Parting::PeerGone,
        _ = &mut sent => Parting::PeerGone,
        () = tokio::time::sleep(limits.total) => Parting::OutOfTime,
        () = until_idle(last_stir, limits.idle) => Parting::Idle,
        () = stop => Parting::Stopped,
    };
    drop(line);
    drop(frames);
    if matches!(parting, Parting::Exited(_)) {
        // What was said before the end is heard before it.
        let _slow = timeout(IDLE.min(limits.idle), &mut sent).await;
    }
    drop(sent);
    (hears, parting)
}

/// Reads what the person sends until they are gone. It never waits for the program: what that does
/// not take yet is kept here, and is at most a window.
async fn listen(
    mut says: Says,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    window: watch::Sender<Option<WindowSize>>,
    frames: mpsc::Sender<ServerFrame>,
    stir: watch::Sender<Instant>,
) {
    let (waiting, pieces) = mpsc::unbounded_channel::<Vec<u8>>();
    let mut waiting = Some(waiting);
    let mut credit = INPUT_WINDOW_BYTES;
    let (fed_bytes, mut credits) = mpsc::unbounded_channel();
    let mut feeds = Box::pin(feed(pieces, input, fed_bytes));
    let mut fed = false;
    loop {
        let frame = tokio::select! {
            frame = says.next() => frame,
            Some(bytes) = credits.recv() => {
                credit += bytes;
                let count = u32::try_from(bytes).unwrap_or(u32::MAX);
                let _gone = frames.send(ServerFrame::Taken(count)).await;
                continue;
            }
            () = &mut feeds, if !fed => {
                fed = true;
                continue;
            }
        };
        stir.send_replace(Instant::now());
        match frame {
            Ok(Some(ClientFrame::Input(bytes))) if bytes.len() <= credit => {
                credit -= bytes.len();
                // After the program closed its input, more of it goes nowhere.
                let _closed = waiting.as_ref().map(|waiting| waiting.send(bytes));
            }
            Ok(Some(ClientFrame::InputEnd)) => waiting = None,
            Ok(Some(ClientFrame::Window(size))) => {
                window.send_if_modified(|now| now.is_some() && now.replace(size) != Some(size));
            }
            Ok(Some(ClientFrame::Input(_))) => {
                return tracing::debug!("somebody sent more input than they may");
            }
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "lost somebody who was attached"),
        }
    }
}

/// Gives input to the program at its pace, and says how much it took.
async fn feed(
    mut pieces: mpsc::UnboundedReceiver<Vec<u8>>,
    mut input: Box<dyn AsyncWrite + Send + Unpin>,
    fed_bytes: mpsc::UnboundedSender<usize>,
) {
    while let Some(bytes) = pieces.recv().await {
        // A program that closed its input is free to; what is meant for it is taken all the same.
        let _closed = input.write_all(&bytes).await;
        let _gone = fed_bytes.send(bytes.len());
    }
}

async fn until_idle(last_stir: watch::Receiver<Instant>, idle: Duration) {
    loop {
        let end = *last_stir.borrow() + idle;
        if Instant::now() >= end {
            return;
        }
        sleep_until(end).await;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{FutureExt, SinkExt, stream};
    use slipway_core::time::Timestamp;
    use tokio::net::UnixStream;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const LIMITS: Limits = Limits { total: Duration::from_hours(1), idle: Duration::from_mins(10) };

    /// A program that reads nothing, prints this, and then goes on, or ends with a code.
    fn program(prints: Vec<Bytes>, code: Option<i64>) -> (Attached, CancellationToken) {
        let (input, unread) = tokio::io::duplex(1);
        let chunk = |bytes| Ok(OutputChunk { at: Timestamp(0), stderr: false, bytes });
        let printed = stream::iter(prints.into_iter().map(chunk).collect::<Vec<_>>());
        let output = match code {
            Some(_) => printed.boxed(),
            None => printed.chain(stream::pending()).boxed(),
        };
        let line = CancellationToken::new();
        let attached = Attached {
            input: Box::new(input),
            output,
            window: watch::Sender::new(None),
            exit: async move {
                drop(unread);
                Ok(code.unwrap_or_default())
            }
            .boxed(),
            line: line.clone().drop_guard(),
        };
        (attached, line)
    }

    fn line() -> (Peer, Peer) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Peer::of(ours), Peer::of(theirs))
    }

    async fn run(peer: Peer, attached: Attached, limits: Limits) -> Parting {
        bridge(peer, attached, limits, |_| {}, std::future::pending()).await.1
    }

    #[tokio::test]
    async fn a_person_who_goes_is_noticed_whatever_the_program_leaves_unread() {
        let (attached, ended) = program(Vec::new(), None);
        let (worker, mut person) = line();
        let bridged = tokio::spawn(run(worker, attached, LIMITS));
        for _ in 0..INPUT_WINDOW_BYTES / MAX_CHUNK_BYTES {
            let input = ClientFrame::Input(vec![7; MAX_CHUNK_BYTES]).encode();
            person.hears.0.send(Bytes::from(input)).await.unwrap();
        }
        drop(person);
        let parting = timeout(Duration::from_secs(5), bridged).await.unwrap().unwrap();
        assert!(matches!(parting, Parting::PeerGone), "{parting:?}");
        assert!(ended.is_cancelled(), "the program is let go");
    }

    #[tokio::test]
    async fn more_input_than_a_window_ends_the_line() {
        let (attached, _ended) = program(Vec::new(), None);
        let (worker, mut person) = line();
        let bridged = tokio::spawn(run(worker, attached, LIMITS));
        for _ in 0..=INPUT_WINDOW_BYTES / MAX_CHUNK_BYTES {
            let input = ClientFrame::Input(vec![7; MAX_CHUNK_BYTES]).encode();
            person.hears.0.send(Bytes::from(input)).await.unwrap();
        }
        let parting = timeout(Duration::from_secs(5), bridged).await.unwrap().unwrap();
        assert!(matches!(parting, Parting::PeerGone), "{parting:?}");
    }

    #[tokio::test]
    async fn all_that_was_printed_is_heard_before_the_end() {
        let printed = vec![Bytes::from(vec![b'x'; 3 * MAX_CHUNK_BYTES]); 20];
        let (attached, _ended) = program(printed, Some(7));
        let (worker, mut person) = line();
        let bridged = tokio::spawn(run(worker, attached, LIMITS));
        let mut heard = 0;
        while heard < 60 * MAX_CHUNK_BYTES {
            let message = person.says.message().await.unwrap().expect("there is more");
            let frame = ServerFrame::decode(&message).unwrap();
            let ServerFrame::Output(bytes) = frame else { panic!("{frame:?}") };
            heard += bytes.len();
        }
        let parting = bridged.await.unwrap();
        assert!(matches!(parting, Parting::Exited(7)), "{parting:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_length_have_an_end() {
        let (attached, ended) = program(Vec::new(), None);
        let (worker, _person) = line();
        assert!(matches!(run(worker, attached, LIMITS).await, Parting::Idle));
        assert!(ended.is_cancelled());
        let (attached, _ended) = program(Vec::new(), None);
        let (worker, _person) = line();
        let short = Limits { total: Duration::from_secs(9), ..LIMITS };
        assert!(matches!(run(worker, attached, short).await, Parting::OutOfTime));
    }
}
