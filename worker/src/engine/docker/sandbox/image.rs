//! The image sandboxes are made from: one program, imported into the daemon when first needed.

use bollard::query_parameters::CreateImageOptionsBuilder;
use bytes::Bytes;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::program::{Architecture, executable};
use crate::engine::EngineError;
use crate::engine::docker::call::CHANGE;
use crate::engine::docker::{Docker, labels};

const REPOSITORY: &str = "slipway/sandbox";

/// The image's reference. Its tag is the program's digest, so a changed program is a new image.
pub fn reference(architecture: Architecture) -> String {
    let digest = hex::encode(Sha256::digest(executable(architecture)));
    format!("{REPOSITORY}:{}", &digest[..12])
}

impl Docker {
    /// Puts the image into the daemon; repeating it changes nothing.
    pub(super) async fn import_sandbox_image(&self) -> Result<(), EngineError> {
        const DOING: &str = "making the sandbox image";
        let architecture = self.shared.host.architecture;
        let archive = archive(&executable(architecture))
            .map_err(|error| EngineError::Refused { doing: DOING, message: error.to_string() })?;
        let reference = reference(architecture);
        let (repository, tag) = reference.split_once(':').unwrap_or((REPOSITORY, "latest"));
        let mut options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .message("holds a network namespace open")
            .build();
        options.changes = vec![
            "ENTRYPOINT [\"/sandbox\"]".to_owned(),
            format!("LABEL {}={}", labels::ROLE, labels::ROLE_SANDBOX),
        ];
        let body = bollard::body_full(Bytes::from(archive));
        let import = self.client.create_image(Some(options), Some(body), None);
        let done = import.try_for_each(|_| std::future::ready(Ok(())));
        self.call(DOING, CHANGE, done).await
    }
}

fn archive(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, "sandbox", program)?;
    archive.into_inner()
}
