//! Progress, drawn on a terminal's standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that moves below the output, or nothing at all.
#[derive(Debug)]
pub struct Spinner(ProgressBar);

/// A bar that fills with bytes, or nothing at all.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Spinner {
    pub fn new(visible: bool) -> Self {
        if !visible {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {msg} {elapsed:.dim}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// What is going on now.
    pub fn set(&self, message: String) {
        self.0.set_message(message);
    }

    /// Prints something above the line.
    pub fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Bar {
    pub fn new(visible: bool, message: &'static str, bytes: u64) -> Self {
        if !visible {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        bar.set_style(style("{msg} [{bar:30}] {bytes} of {total_bytes} {eta:.dim}"));
        bar.set_message(message);
        Self(bar)
    }

    /// What moves the bar to a number of bytes.
    pub fn mover(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let bar = self.0.clone();
        move |bytes| bar.set_position(bytes)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant")
}
