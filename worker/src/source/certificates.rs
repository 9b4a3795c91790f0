//! The host's certificate authorities, for builds.
//!
//! Behind a company's proxy, TLS ends in a private authority that the host knows and a base image
//! does not. When the host trusts authorities of its own, builds get the host's whole bundle: one
//! file in the context, and the variables by which package managers find it. They are `ARG`s, so
//! nothing of it reaches the running app's environment.

use std::fmt::Write;
use std::path::Path;

/// Where the bundle lies in the build context.
pub const IN_CONTEXT: &str = ".slipway-certificates.pem";
/// Where it lies in the image.
const IN_IMAGE: &str = "/usr/local/share/slipway/certificates.pem";
/// Where hosts keep authorities of their own.
const ANCHORS: [&str; 2] = ["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"];
/// Where hosts keep the bundle of all authorities.
const BUNDLES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
/// The variables by which tools find a bundle.
const VARIABLES: [&str; 7] = [
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "NODE_EXTRA_CA_CERTS",
];

/// The authorities a build must trust besides those of its base image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostCertificates {
    /// The host's own authorities, each in PEM.
    pub anchors: Vec<String>,
    /// All authorities the host trusts, those included.
    pub bundle: String,
}

impl HostCertificates {
    /// Those of this host; empty when it trusts no authority of its own.
    pub fn of_host() -> Self {
        let anchors: Vec<String> =
            ANCHORS.iter().flat_map(|directory| pem_files(Path::new(directory))).collect();
        let bundle = BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok());
        Self::new(anchors, &bundle.unwrap_or_default())
    }

    /// These authorities, added to a bundle that may have them already.
    pub fn new(anchors: Vec<String>, bundle: &str) -> Self {
        if anchors.is_empty() {
            return Self::default();
        }
        let mut bundle = bundle.to_owned();
        for anchor in &anchors {
            if !bundle.contains(anchor.trim()) {
                bundle.push_str(anchor.trim());
                bundle.push('\n');
            }
        }
        Self { anchors, bundle }
    }

    /// Whether a build needs nothing of them.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }
}

fn pem_files(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let texts = paths.iter().flat_map(|path| {
        if path.is_dir() { pem_files(path) } else { Vec::from_iter(std::fs::read_to_string(path)) }
    });
    texts.filter(|text| text.contains("-----BEGIN CERTIFICATE-----")).collect()
}

/// Dockerfile lines that make a stage trust the bundle; `copies` brings it in first.
pub fn instructions(copies: bool) -> String {
    let mut lines = String::new();
    if copies {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(lines, "COPY {IN_CONTEXT} {IN_IMAGE}");
    }
    for variable in VARIABLES {
        let _ = writeln!(lines, "ARG {variable}={IN_IMAGE}");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANCHOR: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_host_without_authorities_of_its_own_adds_nothing() {
        assert!(HostCertificates::new(Vec::new(), "everything else").is_empty());
    }

    #[test]
    fn the_bundle_has_each_authority_once() {
        let known = format!("first\n{ANCHOR}");
        assert_eq!(HostCertificates::new(vec![ANCHOR.to_owned()], &known).bundle, known);
        let added = HostCertificates::new(vec![ANCHOR.to_owned()], "first\n").bundle;
        assert_eq!(added, known);
    }

    #[test]
    fn authorities_are_found_in_subdirectories_and_other_files_are_not() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("corp")).unwrap();
        std::fs::write(directory.path().join("corp/a.crt"), ANCHOR).unwrap();
        std::fs::write(directory.path().join("README"), "not one").unwrap();
        assert_eq!(pem_files(directory.path()), [ANCHOR]);
    }
}
