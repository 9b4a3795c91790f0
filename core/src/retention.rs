//! Which images may go.

use crate::id::ReleaseId;
use crate::release::Release;
use crate::time::{Millis, Timestamp};

/// Stable releases whose images are kept for rollbacks.
pub const STABLE_KEPT: usize = 5;
/// Failed releases whose images are kept for a look.
pub const FAILED_KEPT: usize = 2;
/// How long those failed ones are kept.
pub const FAILED_KEPT_FOR: Millis = Millis::from_secs(24 * 60 * 60);

/// The releases of one app whose images may be removed, oldest first.
///
/// Kept are: those in `needed` (running, wanted, or part of an active deployment), pinned ones, the
/// newest [`STABLE_KEPT`] that were stable, and the newest [`FAILED_KEPT`] that never were, for
/// [`FAILED_KEPT_FOR`]. An image shared with a kept release is kept too.
pub fn removable<'a>(
    releases: &'a [Release],
    needed: &[ReleaseId],
    now: Timestamp,
) -> Vec<&'a Release> {
    let mut newest_first: Vec<&Release> = releases.iter().collect();
    newest_first.sort_by_key(|release| std::cmp::Reverse(release.version));
    let stable = newest_first.iter().filter(|r| r.stable_at.is_some()).take(STABLE_KEPT);
    let failed = newest_first
        .iter()
        .filter(|r| r.stable_at.is_none())
        .take(FAILED_KEPT)
        .filter(|r| now.since(r.created_at) < FAILED_KEPT_FOR);
    let demanded = newest_first.iter().filter(|r| r.pinned || needed.contains(&r.id));
    let kept: Vec<&str> =
        stable.chain(failed).chain(demanded).map(|r| r.image.digest.as_str()).collect();
    newest_first
        .into_iter()
        .rev()
        .filter(|r| r.image_kept && !kept.contains(&r.image.digest.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AppId, DeploymentId, Id};
    use crate::process::Formation;
    use crate::release::ImageRef;

    fn release(version: u32, stable: bool, image: u32) -> Release {
        Release {
            id: ReleaseId::from_bits(version.into()),
            app_id: AppId::from_bits(1),
            version,
            image: ImageRef { repository: "r".into(), digest: format!("sha256:{image}") },
            content: version.to_string(),
            formation: Formation::default(),
            source: None,
            description: String::new(),
            deployment_id: DeploymentId::from_bits(version.into()),
            copy_of: None,
            created_by: "ada".into(),
            created_at: Timestamp(i64::from(version) * 1000),
            stable_at: stable.then_some(Timestamp(i64::from(version) * 1000)),
            pinned: false,
            image_kept: true,
        }
    }

    fn versions(releases: &[Release], needed: &[u32]) -> Vec<u32> {
        let needed: Vec<ReleaseId> =
            needed.iter().map(|v| ReleaseId::from_bits((*v).into())).collect();
        removable(releases, &needed, Timestamp(60_000)).iter().map(|r| r.version).collect()
    }

    #[test]
    fn the_last_five_stable_releases_are_kept() {
        let releases: Vec<Release> = (1..=8).map(|v| release(v, true, v)).collect();
        assert_eq!(versions(&releases, &[]), [1, 2, 3]);
        assert_eq!(versions(&releases, &[2]), [1, 3]);
    }

    #[test]
    fn failed_releases_do_not_push_stable_ones_out() {
        let mut releases: Vec<Release> = (1..=5).map(|v| release(v, true, v)).collect();
        releases.extend((6..=12).map(|v| release(v, false, v)));
        assert_eq!(versions(&releases, &[]), [6, 7, 8, 9, 10]);
    }

    #[test]
    fn an_image_that_a_kept_release_shares_is_kept() {
        let mut releases: Vec<Release> = (1..=8).map(|v| release(v, true, v)).collect();
        releases[7].image.digest = "sha256:1".into();
        assert_eq!(versions(&releases, &[]), [2, 3]);
    }

    #[test]
    fn a_pinned_release_is_kept() {
        let mut releases: Vec<Release> = (1..=8).map(|v| release(v, true, v)).collect();
        releases[0].pinned = true;
        assert_eq!(versions(&releases, &[]), [2, 3]);
    }
}
