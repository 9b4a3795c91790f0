//! What a container takes by hand from `docker run` to its first answer: what whatever starts
//! instances is measured against.

use std::time::{Duration, Instant};

use slipway_tests::Echo;

use crate::by_hand::{ByHand, python_base};
use crate::measure::median;

const ROUNDS: usize = 5;
const DOCKERFILE: &str = include_str!("tiny.dockerfile");

/// The median for the tiny app.
pub async fn of_a_container() -> anyhow::Result<Duration> {
    let by_hand = ByHand::start()?;
    let folder = tempfile::tempdir()?;
    Echo::named("started").write(folder.path());
    let dockerfile = DOCKERFILE.replace("{base}", &python_base()?);
    std::fs::write(folder.path().join("Dockerfile"), dockerfile)?;
    let image = by_hand.build(folder.path(), "started")?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let container = by_hand.run(&image)?;
        container.ready("started").await?;
        times.push(started.elapsed());
        container.remove()?;
    }
    median(&times)
}
