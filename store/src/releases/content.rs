//! What makes two releases the same.

use sha2::{Digest, Sha256};

use super::NewRelease;
use crate::db::json;

/// A digest over everything that decides how a release runs: image, configuration, processes. The
/// configuration goes in as it is sealed: a copy of a release copies the ciphertexts, and whoever
/// changes a value seals it anew.
pub(super) fn digest(new: &NewRelease) -> String {
    let parts = [new.image.digest.clone(), json(&new.sealed_config), json(&new.formation)];
    let mut digest = Sha256::new();
    for part in parts {
        // Each part's length goes before it, so that nothing can move from one to the next.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SealedConfig;
    use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec};
    use slipway_core::release::ImageRef;

    fn release() -> NewRelease {
        NewRelease {
            image: ImageRef { repository: "shop".into(), digest: "sha256:1".into() },
            formation: Formation::default(),
            description: "push 3f2a9c1".into(),
            source: None,
            copy_of: None,
            sealed_config: SealedConfig([("A".parse().unwrap(), "s1.x".into())].into()),
        }
    }

    #[test]
    fn a_copy_has_the_same_content_whatever_it_is_called() {
        let mut copy = release();
        copy.description = "rollback to v1".into();
        copy.copy_of = Some(1);
        copy.image.repository = "elsewhere".into();
        assert_eq!(digest(&copy), digest(&release()));
    }

    #[test]
    fn image_configuration_and_processes_each_count() {
        let mut image = release();
        image.image.digest = "sha256:2".into();
        let mut config = release();
        config.sealed_config.0.insert("A".parse().unwrap(), "s1.y".into());
        let mut formation = release();
        let web = ProcessSpec {
            command: Command::Image,
            port: Some(80),
            health: HealthCheck::default(),
            limits: Limits::default(),
        };
        formation.formation.processes.insert("web".parse().unwrap(), web);
        for other in [image, config, formation] {
            assert_ne!(digest(&other), digest(&release()));
        }
    }
}
