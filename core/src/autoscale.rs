//! How many instances a process should have: a pure function of what was measured.
//!
//! ```text
//!   instances ─▶ advice, one a metric ─▶ the highest ─▶ bounds, host ─▶ pace ─▶ Decision
//!                (E, M, U, N; fill)       (unreadable:                 (15 s up,
//!                                          never down)                  window down)
//! ```
//!
//! All arithmetic is on whole thousandths, so that equal inputs give equal decisions on every
//! machine. Of the instances, **E** are those that serve and have been ready for the warm-up; **M**
//! those of E with enough valid samples; **U** the rest of E; **N** everybody else that is wanted.
//! Only M is believed. Who is missing is filled in with whatever makes the change smaller, and a
//! change that turns round by that is none (the rules are those of Kubernetes' horizontal pod
//! autoscaler).
//!
//! Load that has just leapt shows in the newest samples first. They count by themselves when they
//! are far above the target, and only upwards: the idea of Knative's panic window
//! (<https://knative.dev/docs/serving/autoscaling/kpa-specific/>).

mod advice;
mod amount;
mod decide;
mod history;
mod observation;
pub mod replay;
mod sentence;
mod settings;

pub use advice::{Advice, MetricAdvice};
pub use amount::Amount;
pub use decide::{Decision, Effect, Input, Numbers, Rollout, Verdict, decide};
pub use history::{Change, History};
pub use observation::{Point, Subject, Tempo, loads};
pub use settings::{AutoscaleSettings, InvalidSettings, is_scalable};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;
