//! Alerts and channels. Without an app, alerts are the host's.

use slipway_core::alert::Rule;
use slipway_core::id::FiringId;
use slipway_core::name::{AlertName, AppName, ChannelName};
use slipway_core::wire::alert::{AlertInfo, Firing};
use slipway_core::wire::channel::{Channel, ChannelMade, Delivery, NewChannel};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

/// `/v1/…` of the host, or `/v1/apps/<app>/…`.
fn path<'a>(app: Option<&'a AppName>, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = vec!["v1"];
    path.extend(app.into_iter().flat_map(|app| ["apps", app.as_str()]));
    path.extend(rest);
    path
}

impl Client {
    /// The alerts of an app, or of the host, and where they stand.
    pub async fn alerts(&self, app: Option<&AppName>) -> Result<Vec<AlertInfo>, ClientError> {
        self.fetch(Call::get(&path(app, &["alerts"]))).await
    }

    /// Adds an alert, or changes one.
    pub async fn set_alert(
        &self,
        app: Option<&AppName>,
        name: &AlertName,
        rule: &Rule,
    ) -> Result<AlertInfo, ClientError> {
        self.fetch(Call::put(&path(app, &["alerts", name.as_str()])).json(rule)).await
    }

    /// Removes an alert; a changed one that is there by itself becomes what it was.
    pub async fn remove_alert(
        &self,
        app: Option<&AppName>,
        name: &AlertName,
    ) -> Result<(), ClientError> {
        self.perform(Call::delete(&path(app, &["alerts", name.as_str()]))).await
    }

    /// When alerts fired, newest first.
    pub async fn firings(
        &self,
        app: Option<&AppName>,
        limit: Option<u32>,
        before: Option<&FiringId>,
    ) -> Result<Vec<Firing>, ClientError> {
        let call = Call::get(&path(app, &["firings"]));
        self.fetch(call.query("limit", limit).query("before", before)).await
    }

    /// The channels that alerts are sent to, without their secrets.
    pub async fn channels(&self) -> Result<Vec<Channel>, ClientError> {
        self.fetch(Call::get(&["v1", "channels"])).await
    }

    /// Makes a channel. What a webhook's messages are signed with is in this answer alone.
    pub async fn create_channel(&self, request: &NewChannel) -> Result<ChannelMade, ClientError> {
        self.fetch(Call::post(&["v1", "channels"]).json(request)).await
    }

    /// Removes a channel.
    pub async fn remove_channel(&self, name: &ChannelName) -> Result<(), ClientError> {
        self.perform(Call::delete(&["v1", "channels", name.as_str()])).await
    }

    /// Sends a message to a channel, to see it arrive.
    pub async fn test_channel(&self, name: &ChannelName) -> Result<Delivery, ClientError> {
        self.fetch(Call::post(&["v1", "channels", name.as_str(), "test"])).await
    }

    /// The newest messages to a channel, newest first.
    pub async fn deliveries(&self, name: &ChannelName) -> Result<Vec<Delivery>, ClientError> {
        self.fetch(Call::get(&["v1", "channels", name.as_str(), "deliveries"])).await
    }
}
