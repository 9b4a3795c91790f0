//! Sends what is owed to channels, one message after the other, until each is confirmed or given up.

use slipway_core::wire::channel::DeliveryState;
use slipway_store::wakes::Topic;
use slipway_store::{Owed, clock};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::notify;
use crate::rounds::Task;

/// Messages under way at the same time: a receiver that hangs holds up no other.
const SLOTS: usize = 8;

/// Sends until told to stop. An attempt that is under way then is given up and made again at the
/// next start: nobody knows whether it arrived.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut wake = context.store.wakes().subscribe(Topic::Deliveries);
    let mut under_way = JoinSet::new();
    while !stop.is_cancelled() {
        while under_way.try_join_next().is_some() {}
        if under_way.len() < SLOTS
            && let Some(owed) = take(&context).await
        {
            let context = context.clone();
            under_way.spawn(async move { attempt(&context, owed).await });
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = under_way.join_next(), if !under_way.is_empty() => {}
            () = wake.wait(context.store.patience()) => {}
        }
    }
    under_way.abort_all();
}

async fn take<H: Host>(context: &Shared<H>) -> Option<Owed> {
    let take = context.store.take_delivery(clock::now());
    match context.rounds.watch(Task::Deliveries, take).await {
        Ok(owed) => owed,
        Err(error) => {
            tracing::warn!(%error, "could not look for messages to send");
            None
        }
    }
}

#[tracing::instrument(skip_all, fields(delivery_id = %owed.id, attempts = owed.attempts))]
async fn attempt<H: Host>(context: &Shared<H>, owed: Owed) {
    let written = match context.store.channel_target(&owed.channel_id, &context.keys).await {
        // The channel went, and the message with it.
        Ok(None) => return,
        Ok(Some(target)) => {
            match notify::send(&context.outbound, &target, &owed, clock::now()).await {
                Ok(()) => context.store.confirm_delivery(&owed.id).await,
                Err(error) => failed(context, &owed, &error.to_string(), error.is_final()).await,
            }
        }
        Err(error) => failed(context, &owed, &error.to_string(), false).await,
    };
    if let Err(error) = written {
        tracing::warn!(%error, "could not write down what became of a message");
    }
}

async fn failed<H: Host>(
    context: &Shared<H>,
    owed: &Owed,
    error: &str,
    for_good: bool,
) -> Result<(), slipway_store::StoreError> {
    let state = context.store.fail_delivery(owed, error, for_good).await?;
    if state == DeliveryState::Failed {
        tracing::warn!(error, "a message was given up");
    } else {
        tracing::info!(error, "a message did not arrive and is tried again");
    }
    Ok(())
}
