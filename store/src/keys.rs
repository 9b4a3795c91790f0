//! The installation's secret, and what is derived from it: one key to seal configuration values
//! with, another to sign sessions with.
//!
//! A sealed value is `s1.` and the base 64 of a random nonce and the ciphertext
//! (XChaCha20-Poly1305). App and key are authenticated with it, so a ciphertext that is moved to
//! another app or key does not open.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use slipway_core::id::{AppId, ChannelId, Id};
use slipway_core::name::ConfigKey;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Fewer different bytes than this in a key are no chance: 32 random ones have 30 on average, and
/// fewer than 16 once in 10^12 keys.
const LEAST_VARIETY: usize = 16;
const FORM: &str = "s1.";

/// Why a key or a sealed value cannot be used. Says nothing of what is inside either.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read or write the key `{}`", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "the key `{}` is not 64 hexadecimal digits; hint: restore it from a backup, values sealed with it cannot be read without", path.display()
    )]
    Malformed { path: PathBuf },
    #[error(
        "the key `{}` is too regular to be random; hint: remove it before the first start, and a good one is made", path.display()
    )]
    Weak { path: PathBuf },
    #[error("others may read the key `{}`; hint: run `chmod 600` on it", path.display())]
    Exposed { path: PathBuf },
    #[error("the value of `{key}` could not be sealed")]
    Seal { key: ConfigKey },
    #[error("the value of `{key}` was sealed with another key, or was tampered with")]
    Open { key: ConfigKey },
    #[error("the target of channel `{id}` could not be sealed")]
    SealTarget { id: ChannelId },
    #[error("the target of channel `{id}` was sealed with another key, or was tampered with")]
    OpenTarget { id: ChannelId },
}

/// What an installation encrypts and signs with. Clones share the keys; `Debug` shows none.
#[derive(Clone)]
pub struct KeyRing(Arc<Keys>);

struct Keys {
    encryption: [u8; KEY_BYTES],
    signing: [u8; KEY_BYTES],
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    /// The keys of the master key in `directory`, which is made (mode 0600) when there is none.
    ///
    /// # Errors
    /// When the file cannot be used, is no key, is a weak one, or can be read by others.
    pub fn load_or_create(directory: &Path) -> Result<Self, KeyError> {
        let path = directory.join("master.key");
        match fs::read_to_string(&path) {
            Ok(text) => Self::from_text(text.trim(), &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let master = rand::random::<[u8; KEY_BYTES]>();
                match write_new(&path, &hex::encode(master)) {
                    Ok(()) => Ok(Self::derive(&master)),
                    // Another role of this installation was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Self::load_or_create(directory)
                    }
                    Err(source) => Err(KeyError::File { path, source }),
                }
            }
            Err(source) => Err(KeyError::File { path, source }),
        }
    }

    fn from_text(text: &str, path: &Path) -> Result<Self, KeyError> {
        let path = path.to_owned();
        let mode = match fs::metadata(&path) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(source) => return Err(KeyError::File { path, source }),
        };
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path });
        }
        let mut master = [0; KEY_BYTES];
        if hex::decode_to_slice(text, &mut master).is_err() {
            return Err(KeyError::Malformed { path });
        }
        let variety = master.iter().collect::<std::collections::BTreeSet<_>>().len();
        if variety < LEAST_VARIETY {
            Err(KeyError::Weak { path })
        } else {
            Ok(Self::derive(&master))
        }
    }

    fn derive(master: &[u8; KEY_BYTES]) -> Self {
        let key =
            |purpose: &str| Sha256::new().chain_update(purpose).chain_update(master).finalize();
        Self(Arc::new(Keys {
            encryption: key("slipway configuration values").into(),
            signing: key("slipway sessions").into(),
        }))
    }

    /// The key that sessions are signed with: 256 bits.
    pub fn signing(&self) -> &[u8] {
        &self.0.signing
    }

    /// Seals a value for this app and key. The same value seals differently each time.
    ///
    /// # Errors
    /// When encryption fails, which is a defect.
    pub fn seal(&self, app_id: &AppId, key: &ConfigKey, plain: &str) -> Result<String, KeyError> {
        let sealed = self.try_seal(&associated(app_id, key), plain);
        sealed.ok_or_else(|| KeyError::Seal { key: key.clone() })
    }

    /// The value that was sealed for this app and key.
    ///
    /// # Errors
    /// When it was sealed for another app or key, with another master key, or was changed since.
    pub fn open(&self, app_id: &AppId, key: &ConfigKey, sealed: &str) -> Result<String, KeyError> {
        let opened = self.try_open(&associated(app_id, key), sealed);
        opened.ok_or_else(|| KeyError::Open { key: key.clone() })
    }

    /// Seals a channel's target.
    ///
    /// # Errors
    /// When encryption fails, which is a defect.
    pub fn seal_target(&self, id: &ChannelId, plain: &str) -> Result<String, KeyError> {
        let sealed = self.try_seal(&target(id), plain);
        sealed.ok_or_else(|| KeyError::SealTarget { id: id.clone() })
    }

    /// The target that was sealed for this channel.
    ///
    /// # Errors
    /// When it was sealed for something else, with another master key, or was changed since.
    pub fn open_target(&self, id: &ChannelId, sealed: &str) -> Result<String, KeyError> {
        let opened = self.try_open(&target(id), sealed);
        opened.ok_or_else(|| KeyError::OpenTarget { id: id.clone() })
    }

    fn try_seal(&self, associated: &[u8], plain: &str) -> Option<String> {
        let nonce = rand::random::<[u8; NONCE_BYTES]>();
        let payload = Payload { msg: plain.as_bytes(), aad: associated };
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload).ok()?;
        let text = STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        Some(format!("{FORM}{text}"))
    }

    fn try_open(&self, associated: &[u8], sealed: &str) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(sealed.strip_prefix(FORM)?).ok()?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: ciphertext, aad: associated };
        let plain = self.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(plain).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.encryption.into())
    }
}

/// Neither an id nor a key contains a NUL, so no two pairs give the same bytes.
fn associated(app_id: &AppId, key: &ConfigKey) -> Vec<u8> {
    [app_id.as_str(), "\0", key.as_str()].concat().into_bytes()
}

/// Begins like the id of no app, so it is never what a configuration value has.
fn target(id: &ChannelId) -> Vec<u8> {
    [id.as_str(), "\0target"].concat().into_bytes()
}

/// Writes a file that must not exist, whole and durably, or not at all.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A link, unlike a rename, never replaces a key that is there.
    let linked = fs::hard_link(&partial, path);
    fs::remove_file(&partial)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with this as its master key, readable by its owner alone.
    fn with_key(text: &str, mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn pair(app: u128, key: &str) -> (AppId, ConfigKey) {
        (AppId::from_bits(app), key.parse().unwrap())
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = KeyRing::load_or_create(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join("master.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = KeyRing::load_or_create(folder.path()).unwrap();
        let (app, key) = pair(1, "A");
        let sealed = first.seal(&app, &key, "value").unwrap();
        assert_eq!(again.open(&app, &key, &sealed).unwrap(), "value");
        assert_eq!(again.signing(), first.signing());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left lying about");
    }

    #[test]
    fn a_bad_key_is_refused_at_the_start() {
        let refusal = |text: &str, mode| {
            KeyRing::load_or_create(with_key(text, mode).path()).unwrap_err().to_string()
        };
        assert!(refusal(&"00".repeat(32), 0o600).contains("too regular"));
        assert!(refusal(&"0123456789abcdef".repeat(4), 0o600).contains("too regular"));
        assert!(refusal("hunter2", 0o600).contains("64 hexadecimal digits"));
        let random = hex::encode(rand::random::<[u8; KEY_BYTES]>());
        assert!(refusal(&random, 0o640).contains("chmod 600"));
        assert!(KeyRing::load_or_create(with_key(&random, 0o400).path()).is_ok());
    }

    #[test]
    fn a_sealed_value_opens_for_its_app_and_key_alone() {
        let keys = KeyRing::derive(&rand::random());
        let (app, key) = pair(1, "A");
        let sealed = keys.seal(&app, &key, "correct horse").unwrap();
        assert!(!sealed.contains("horse"));
        assert_ne!(keys.seal(&app, &key, "correct horse").unwrap(), sealed);
        let (other_app, other_key) = pair(2, "B");
        assert!(keys.open(&other_app, &key, &sealed).is_err());
        assert!(keys.open(&app, &other_key, &sealed).is_err());
        assert!(KeyRing::derive(&rand::random()).open(&app, &key, &sealed).is_err());
        let mut tampered = sealed.clone();
        tampered.replace_range(40..41, if &sealed[40..41] == "A" { "B" } else { "A" });
        assert!(keys.open(&app, &key, &tampered).is_err());
        for nonsense in ["", "s1.", "s1.AAAA", "s2.AAAA", "correct horse"] {
            assert!(keys.open(&app, &key, nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let keys = KeyRing::derive(&[7; KEY_BYTES]);
        assert_eq!(format!("{keys:?}"), "KeyRing");
        assert_ne!(keys.0.signing, keys.0.encryption);
    }
}
