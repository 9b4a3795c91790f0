//! `slipway completion`

use clap_complete::{Shell, generate};

use crate::args;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway completion bash > ~/.local/share/bash-completion/completions/slipway
  slipway completion zsh > ~/.zfunc/_slipway
  slipway completion fish > ~/.config/fish/completions/slipway.fish")]
pub struct Args {
    /// The shell
    shell: Supported,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Supported {
    Bash,
    Zsh,
    Fish,
}

pub fn run(invocation: &Invocation, Args { shell }: Args) -> Result<(), Failure> {
    let shell = match shell {
        Supported::Bash => Shell::Bash,
        Supported::Zsh => Shell::Zsh,
        Supported::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut args::command(), "slipway", &mut script);
    invocation.printer.write(&String::from_utf8_lossy(&script))
}
