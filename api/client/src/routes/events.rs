//! What happened.

use slipway_core::event::Event;
use slipway_core::name::AppName;

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::follow::Updates;

fn call(app: Option<&AppName>, after: Option<i64>) -> Call {
    Call::get(&["v1", "events"]).query("app", app).query("after", after)
}

impl Client {
    /// Events in their order, of one app or of all, after an event's id when given.
    pub async fn events(
        &self,
        app: Option<&AppName>,
        after: Option<i64>,
    ) -> Result<Vec<Event>, ClientError> {
        self.fetch(call(app, after).header("accept", "application/json")).await
    }

    /// Events as they happen, of one app or of all, after an event's id when given.
    pub fn follow_events(&self, app: Option<&AppName>, after: Option<i64>) -> Updates<Event> {
        self.follow(call(app, after), None, |_| false)
    }
}
