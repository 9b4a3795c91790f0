//! Where measurements are pushed to, as the operator says.

use std::time::Duration;

use clap::Args;
use slipway_worker::settings::Collector;

/// An OTLP collector. Its address is the operator's word: it may be anywhere.
#[derive(Debug, Clone, Args)]
pub struct CollectorArgs {
    /// Push measurements to this OTLP address: `http://127.0.0.1:4318/v1/metrics`
    #[arg(
        long = "otlp-endpoint",
        env = "SLIPWAY_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true,
        value_parser = endpoint
    )]
    pub endpoint: Option<String>,

    /// A header of every push, such as a credential: `NAME=value`
    #[arg(
        long = "otlp-header",
        env = "SLIPWAY_OTLP_HEADERS",
        value_name = "NAME=VALUE",
        value_delimiter = ',',
        hide_env_values = true,
        value_parser = header
    )]
    pub headers: Vec<(String, String)>,

    /// Seconds between two pushes, 10 to 60
    #[arg(
        long = "otlp-interval",
        env = "SLIPWAY_OTLP_INTERVAL",
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(10..=60)
    )]
    pub interval_s: u64,
}

impl CollectorArgs {
    /// The collector, if there is one.
    pub fn collector(&self) -> Option<Collector> {
        Some(Collector {
            endpoint: self.endpoint.clone()?,
            headers: self.headers.clone(),
            interval: Duration::from_secs(self.interval_s),
        })
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let known = text.starts_with("http://") || text.starts_with("https://");
    if known {
        Ok(text.to_owned())
    } else {
        Err("start it with `http://` or `https://`".to_owned())
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("use `NAME=value`")?;
    if name.trim().is_empty() {
        return Err("use `NAME=value`".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_an_address_of_the_web() {
        assert!(endpoint("https://otlp.example.com/v1/metrics").is_ok());
        assert!(endpoint("collector:4318").is_err());
        assert_eq!(header("a = b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(header("=x").is_err() && header("x").is_err());
    }
}
