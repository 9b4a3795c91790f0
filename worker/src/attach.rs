//! Where people who attach to a command meet the job that runs it.
//!
//! The API does not reach the engine. It opens the worker's socket in the data directory, names a
//! run, and from then on passes frames between its client and the socket without looking into them.
//! Nothing of a meeting is stored: the job is the intent, and when either process ends, so does the
//! connection, and with it the command.

mod bridge;
mod listener;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use slipway_core::id::JobId;
use slipway_core::wire::attach::{ClientFrame, MAX_FRAME_BYTES, MalformedFrame, ServerFrame};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

pub use self::bridge::{Limits, Parting, bridge};
pub use self::listener::listen;

/// How long a job waits for the one who is to attach, and they for the job.
const PATIENCE: Duration = Duration::from_secs(30);
/// Commands with somebody attached at the same time.
const MOST: usize = 64;
/// How long the last frame may take to be taken.
const FAREWELL: Duration = Duration::from_secs(5);

/// The meeting point. Clones share it.
#[derive(Debug, Clone)]
pub struct Attachments {
    places: Arc<Mutex<HashMap<JobId, Place>>>,
    /// Counts the jobs that began to wait.
    arrivals: watch::Sender<u64>,
    seats: Arc<Semaphore>,
}

#[derive(Debug)]
enum Place {
    Waits(oneshot::Sender<Peer>),
    Taken,
}

/// A job's place at the meeting point; dropping it gives it up.
#[derive(Debug)]
pub struct Seat {
    attachments: Attachments,
    job_id: JobId,
    _permit: OwnedSemaphorePermit,
}

/// The person's end of the line.
#[derive(Debug)]
pub struct Peer {
    pub hears: Hears,
    pub says: Says,
}

/// Takes frames to the person.
#[derive(Debug)]
pub struct Hears(FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>);

/// Brings frames from the person.
#[derive(Debug)]
pub struct Says(FramedRead<OwnedReadHalf, LengthDelimitedCodec>);

/// Why a frame could not be brought or taken.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("the line broke: {0}")]
    Broke(#[from] std::io::Error),
    #[error(transparent)]
    Malformed(#[from] MalformedFrame),
}

impl Default for Attachments {
    fn default() -> Self {
        Self {
            places: Arc::default(),
            arrivals: watch::Sender::new(0),
            seats: Arc::new(Semaphore::new(MOST)),
        }
    }
}

impl Attachments {
    /// A place for a job; nothing when all are taken.
    pub fn seat(&self, job_id: &JobId) -> Option<Seat> {
        let permit = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        Some(Seat { attachments: self.clone(), job_id: job_id.clone(), _permit: permit })
    }

    /// Brings a peer to the job it named, once that waits. A job has one peer.
    async fn bring(&self, job_id: &JobId, mut peer: Peer) {
        let mut arrivals = self.arrivals.subscribe();
        let waited = timeout(PATIENCE, async {
            loop {
                arrivals.borrow_and_update();
                match self.take(job_id) {
                    Some(Place::Waits(job)) => return Some(job),
                    Some(Place::Taken) => return None,
                    None => {}
                }
                if arrivals.changed().await.is_err() {
                    return None;
                }
            }
        });
        match waited.await {
            Ok(Some(sender)) => match sender.send(peer) {
                Ok(()) => return,
                Err(back) => peer = back,
            },
            Ok(None) => return peer.hears.part("somebody is attached to it already", "").await,
            Err(_) => {}
        }
        let hint = "try again; `slipway status` says how the server is";
        peer.hears.part("the command did not begin in time", hint).await;
    }

    /// What is at the job's place, which is taken from now on; nothing before it waits.
    fn take(&self, job_id: &JobId) -> Option<Place> {
        let mut places = self.places();
        let place = places.get_mut(job_id)?;
        Some(std::mem::replace(place, Place::Taken))
    }

    fn places(&self) -> MutexGuard<'_, HashMap<JobId, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The peer of this job; nothing when nobody comes within 30 s.
    pub async fn peer(&self) -> Option<Peer> {
        let (sender, receiver) = oneshot::channel();
        self.attachments.places().insert(self.job_id.clone(), Place::Waits(sender));
        self.attachments.arrivals.send_modify(|count| *count = count.wrapping_add(1));
        timeout(PATIENCE, receiver).await.ok()?.ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.attachments.places().remove(&self.job_id);
    }
}

impl Peer {
    fn of(stream: UnixStream) -> Self {
        let codec =
            || LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME_BYTES).new_codec();
        let (from, to) = stream.into_split();
        Self {
            hears: Hears(FramedWrite::new(to, codec())),
            says: Says(FramedRead::new(from, codec())),
        }
    }
}

impl Says {
    /// The next frame; nothing when the person is gone.
    ///
    /// # Errors
    /// When the line breaks, or brings what is no frame.
    pub async fn next(&mut self) -> Result<Option<ClientFrame>, LineError> {
        let Some(message) = self.message().await? else { return Ok(None) };
        Ok(Some(ClientFrame::decode(&message)?))
    }

    async fn message(&mut self) -> std::io::Result<Option<BytesMut>> {
        self.0.next().await.transpose()
    }
}

impl Hears {
    /// Sends a frame, as slowly as the person takes it.
    ///
    /// # Errors
    /// When the person is gone.
    pub async fn tell(&mut self, frame: &ServerFrame) -> Result<(), LineError> {
        Ok(self.0.send(Bytes::from(frame.encode())).await?)
    }

    /// Says why there is nothing to attach to, if anybody still listens.
    pub async fn part(mut self, message: &str, hint: &str) {
        let failed = ServerFrame::Failed { message: message.to_owned(), hint: hint.to_owned() };
        self.close(&failed).await;
    }

    /// Sends the last frame, if anybody still listens.
    pub async fn close(&mut self, last: &ServerFrame) {
        let _gone = timeout(FAREWELL, self.tell(last)).await;
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id as _;

    use super::*;

    fn line() -> (Peer, Peer) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Peer::of(ours), Peer::of(theirs))
    }

    async fn heard(person: &mut Peer) -> Option<ServerFrame> {
        let message = person.says.message().await.unwrap()?;
        Some(ServerFrame::decode(&message).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_and_its_peer_meet_whoever_comes_first() {
        let attachments = Attachments::default();
        for job_first in [true, false] {
            let job_id = JobId::from_bits(u128::from(job_first));
            let seat = attachments.seat(&job_id).unwrap();
            let (worker, _person) = line();
            let brought = async {
                if job_first {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                attachments.bring(&job_id, worker).await;
            };
            let waits = async {
                if !job_first {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                seat.peer().await
            };
            let ((), peer) = tokio::join!(brought, waits);
            assert!(peer.is_some(), "job first: {job_first}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_peer_is_turned_away_and_nobody_waits_for_ever() {
        let attachments = Attachments::default();
        let job_id = JobId::from_bits(7);
        let seat = attachments.seat(&job_id).unwrap();
        let (worker, _person) = line();
        let ((), peer) = tokio::join!(attachments.bring(&job_id, worker), seat.peer());
        assert!(peer.is_some());
        let (worker, mut second) = line();
        attachments.bring(&job_id, worker).await;
        let told = heard(&mut second).await;
        assert!(
            matches!(told, Some(ServerFrame::Failed { message, .. }) if message.contains("already"))
        );
        drop(seat);
        let (worker, mut late) = line();
        attachments.bring(&job_id, worker).await;
        let told = heard(&mut late).await;
        assert!(
            matches!(told, Some(ServerFrame::Failed { message, .. }) if message.contains("in time"))
        );
        assert!(attachments.seat(&job_id).unwrap().peer().await.is_none());
    }

    #[tokio::test]
    async fn there_are_so_many_seats_and_no_more() {
        let attachments = Attachments::default();
        let seats: Vec<Option<Seat>> =
            (0..=MOST).map(|number| attachments.seat(&JobId::from_bits(number as u128))).collect();
        assert!(seats[MOST - 1].is_some() && seats[MOST].is_none());
    }
}
