//! Taking a whole installation away: what is left when its instances are stopped.

use std::collections::BTreeSet;

use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use slipway_core::id::{AppId, Id};

use super::call::{CHANGE, LOOK_UP, is_absent, refused};
use super::{Docker, labels};
use crate::engine::EngineError;

impl Docker {
    /// Removes the networks and sandboxes of every app. Absent is success; one app's failure keeps no
    /// other's.
    ///
    /// # Errors
    /// `Refused` while an app still has instances.
    pub async fn remove_apps(&self) -> Result<(), EngineError> {
        let installation = self.settings.installation.as_str();
        let filter = labels::filter(&[(labels::INSTALLATION, installation)]);
        let networks = self.list_networks(&filter).await?;
        let app_of = |network: bollard::models::Network| {
            network.labels.and_then(|labels| labels.get(labels::APP)?.parse::<AppId>().ok())
        };
        let apps: BTreeSet<AppId> = networks.into_iter().filter_map(app_of).collect();
        let mut outcome = Ok(());
        for app_id in apps {
            outcome = outcome.and(self.remove_app(&app_id).await);
        }
        outcome
    }

    /// Removes every image that was built for this installation; shared base images stay.
    ///
    /// # Errors
    /// Those of the daemon. An image that a foreign container uses is left alone.
    pub async fn remove_images(&self) -> Result<(), EngineError> {
        const DOING: &str = "removing an image";
        let installation = self.settings.installation.as_str();
        let filter = labels::filter(&[(labels::INSTALLATION, installation)]);
        let options = ListImagesOptionsBuilder::new().all(false).filters(&filter).build();
        let images =
            self.call("listing images", LOOK_UP, self.client.list_images(Some(options))).await?;
        for image in images {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            let remove = self.client.remove_image(&image.id, Some(options), None);
            match self.raw_call(DOING, CHANGE, remove).await? {
                Err(error) if is_absent(&error) => {}
                Err(error) if super::call::status(&error) == Some(409) => {
                    tracing::warn!(image = image.id, "an image is in use elsewhere and stays");
                }
                Err(error) => return Err(refused(DOING, &error)),
                Ok(_) => {}
            }
        }
        Ok(())
    }
}
