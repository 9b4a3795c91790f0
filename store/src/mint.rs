//! New ids and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use slipway_core::id::Id;

/// A new id. Ids that were minted later sort later.
pub fn id<T: Id>() -> T {
    T::from_bits(uuid::Uuid::now_v7().as_u128())
}

/// The id of something that there is once for `origin` and `purpose`, so that whoever looks for it
/// again finds it: the same arguments give the same id.
pub fn derived<T: Id, O: Id>(origin: &O, purpose: &str) -> T {
    let digest =
        Sha256::new().chain_update(origin.as_str()).chain_update([0]).chain_update(purpose);
    let digest: [u8; 32] = digest.finalize().into();
    let (bits, _) = digest.split_at(16);
    T::from_bits(bits.iter().fold(0, |all, byte| (all << 8) | u128::from(*byte)))
}

/// A secret of 256 random bits: 43 characters of the URL-safe base 64 alphabet.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::id::{DeploymentId, InstanceId};

    #[test]
    fn ids_that_were_minted_later_sort_later() {
        let ids: Vec<InstanceId> = (0..1_000).map(|_| id()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_derived_id_is_found_again_and_differs_by_purpose_and_origin() {
        let (one, two) = (DeploymentId::from_bits(1), DeploymentId::from_bits(2));
        let of = |origin: &DeploymentId, purpose| derived::<InstanceId, _>(origin, purpose);
        assert_eq!(of(&one, "release"), of(&one, "release"));
        assert_ne!(of(&one, "release"), of(&one, "other"));
        assert_ne!(of(&one, "release"), of(&two, "release"));
    }

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let secret = secret();
        assert_eq!(secret.len(), 43);
        assert_ne!(secret, super::secret());
    }
}
