//! `slipway scale`

use std::collections::BTreeMap;
use std::str::FromStr;

use slipway_core::name::ProcessName;
use slipway_core::wire::process::{Scale, ScaleRequest};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// Show or set how many instances of each process run
///
/// Counts belong to the app, not to a release: a deploy or rollback keeps them. New instances take
/// traffic once they are ready; surplus ones finish their requests first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway scale
  slipway scale web=3
  slipway scale web=2 worker=1 -a shop")]
pub struct Args {
    /// Wanted counts; processes not named keep theirs
    #[arg(value_name = "PROCESS=COUNT")]
    counts: Vec<Count>,
}

#[derive(Debug, Clone)]
struct Count(ProcessName, u32);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (process, count) = text.split_once('=').ok_or("write it as `web=2`")?;
        let count = count.parse().map_err(|_| format!("`{count}` is not a count"))?;
        Ok(Self(process.parse().map_err(|error| format!("{error}"))?, count))
    }
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let counts: BTreeMap<ProcessName, u32> =
        args.counts.into_iter().map(|Count(process, count)| (process, count)).collect();
    let scale = if counts.is_empty() {
        client.scale(&app).await?
    } else {
        client.set_scale(&app, &ScaleRequest { counts }).await?
    };
    invocation.printer.show(&scale, |view| render(view, &scale))
}

/// The wanted counts.
pub fn render(view: &View, scale: &Scale) -> String {
    if scale.counts.is_empty() {
        return "no processes yet; the first deploy brings them\n".to_owned();
    }
    let mut table = Table::new(["PROCESS", "WANTED"]);
    for (process, count) in &scale.counts {
        let tone = if *count == 0 { Tone::Quiet } else { Tone::Plain };
        table.row([process.as_str().into(), Cell::toned(tone, count.to_string())]);
    }
    table.render(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PLAIN;

    #[test]
    fn counts_are_listed_by_process() {
        let counts = [("web".parse().unwrap(), 2), ("worker".parse().unwrap(), 0)].into();
        let scale = Scale { counts };
        insta::assert_snapshot!("scale", render(&PLAIN, &scale));
        insta::assert_json_snapshot!("scale_as_json", scale);
    }

    #[test]
    fn a_count_is_a_process_and_a_number() {
        assert!("web=2".parse::<Count>().is_ok());
        for bad in ["web", "web=", "web=-1", "web=two", "=2", "Web=2"] {
            assert!(bad.parse::<Count>().is_err(), "{bad}");
        }
    }
}
