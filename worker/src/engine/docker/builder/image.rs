//! Images that are there: finding, asking, removing them.

use bollard::models::ImageInspect;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptions};
use slipway_core::id::{DeploymentId, Id};
use slipway_core::release::ImageRef;

use super::super::Docker;
use super::super::call::{CHANGE, LOOK_UP, is_absent, refused, status};
use super::super::labels;
use super::failure::from_engine;
use crate::builder::BuildError;

impl Docker {
    /// What the daemon says about an image, by id or name; `None` when it is not there.
    pub(super) async fn inspect_image(
        &self,
        image: &str,
    ) -> Result<Option<ImageInspect>, BuildError> {
        const DOING: &str = "looking at an image";
        let call = self.raw_call(DOING, LOOK_UP, self.client.inspect_image(image));
        match call.await.map_err(from_engine)? {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(from_engine(refused(DOING, &error))),
        }
    }

    /// The image built for a deployment, the newest when an interrupted attempt left another.
    pub(super) async fn find_image(
        &self,
        deployment_id: &DeploymentId,
    ) -> Result<Option<ImageRef>, BuildError> {
        let wanted = [
            (labels::INSTALLATION, self.settings.installation.as_str()),
            (labels::DEPLOYMENT, deployment_id.as_str()),
        ];
        let options = ListImagesOptionsBuilder::default().filters(&labels::filter(&wanted)).build();
        let list = self.client.list_images(Some(options));
        let images = self.call("looking for an image", LOOK_UP, list).await.map_err(from_engine)?;
        let newest = images.into_iter().max_by_key(|image| image.created);
        Ok(newest.map(|image| {
            let tag = image.repo_tags.into_iter().next().unwrap_or_default();
            ImageRef { repository: repository(&tag).to_owned(), digest: image.id }
        }))
    }

    /// The TCP ports an image declares, in order.
    pub(super) async fn declared_ports(&self, image: &ImageRef) -> Result<Vec<u16>, BuildError> {
        let found = self.inspect_image(&image.digest).await?;
        let ports = found.and_then(|found| found.config?.exposed_ports).unwrap_or_default();
        let mut ports: Vec<u16> =
            ports.iter().filter_map(|port| port.strip_suffix("/tcp")?.parse().ok()).collect();
        ports.sort_unstable();
        Ok(ports)
    }

    /// Removes an image of this installation. One of somebody else is left alone, and one that is
    /// gone is fine.
    pub(super) async fn remove_own(&self, image: &ImageRef) -> Result<(), BuildError> {
        let Some(found) = self.inspect_image(&image.digest).await? else { return Ok(()) };
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        if labels.get(labels::INSTALLATION).map(String::as_str)
            != Some(self.settings.installation.as_str())
        {
            return Ok(());
        }
        // Docker removes an image with its last name; one that never had a name goes by its id.
        for name in found.repo_tags.unwrap_or_default().iter().chain([&image.digest]) {
            self.remove_name(name).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_name(&self, name: &str) -> Result<(), BuildError> {
        const DOING: &str = "removing an image";
        let call = self.client.remove_image(name, None::<RemoveImageOptions>, None);
        match self.raw_call(DOING, CHANGE, call).await.map_err(from_engine)? {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            // A container still uses it: later, when that is gone, it will work.
            Err(error) if status(&error) == Some(409) => {
                Err(BuildError::Unavailable(refused(DOING, &error).to_string()))
            }
            Err(error) => Err(from_engine(refused(DOING, &error))),
        }
    }
}

/// The part of an image's name before its tag or digest.
pub fn repository(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_port_is_no_tag() {
        assert_eq!(repository("slipway/shop:abc"), "slipway/shop");
        assert_eq!(repository("localhost:5000/shop"), "localhost:5000/shop");
        assert_eq!(repository("localhost:5000/shop:1"), "localhost:5000/shop");
        assert_eq!(repository("shop@sha256:00"), "shop");
    }
}
