//! `slipway domains`

use slipway_core::domain::{Domain, InvalidDomain};
use slipway_core::wire::domain::{DomainAdded, DomainInfo, DomainRequest};

use crate::failure::Failure;
use crate::follow::{Wait, follow};
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// Have the app answer at domains of your own
///
/// A domain is one app's. The proxy answers at it as soon as it is added; people get there once its
/// DNS leads to this server. `ALLOWED_HOSTS` and `CSRF_TRUSTED_ORIGINS` list every name; unless the
/// app sets both itself, adding a name replaces its instances, without a gap.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway domains
  slipway domains add shop.example.com
  slipway domains remove shop.example.com")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the domains
    #[command(after_help = "Examples:
  slipway domains list --json")]
    List,
    /// Add a domain
    #[command(after_help = "Examples:
  slipway domains add shop.example.com
  slipway domains add bücher.example --no-wait

With `--json` the answer is printed at once, and nothing is waited for.")]
    Add {
        /// A host name; no wildcard, no port
        #[arg(value_name = "HOST", value_parser = domain)]
        domain: Domain,
        #[command(flatten)]
        wait: Wait,
    },
    /// Remove a domain; another app may have it then
    #[command(after_help = "Examples:
  slipway domains remove shop.example.com")]
    Remove {
        /// The domain, from `slipway domains`
        #[arg(value_name = "HOST", value_parser = domain)]
        domain: Domain,
    },
}

fn domain(text: &str) -> Result<Domain, String> {
    text.parse().map_err(|error: InvalidDomain| format!("{error}; hint: {}", error.problem.hint()))
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let printer = &invocation.printer;
    match args.verb.unwrap_or(Verb::List) {
        Verb::List => {
            let domains = client.domains(&app).await?;
            printer.show(&domains, |view| render(view, &domains))?;
            if !printer.json && !domains.is_empty() {
                printer.hint("an A, AAAA or CNAME record of each has to point at this server");
            }
            Ok(())
        }
        Verb::Add { domain, wait } => {
            let request = DomainRequest { domain: domain.to_string() };
            let added = client.add_domain(&app, &request).await?;
            printer.show(&added, |_| format!("{domain} is a domain of {app}\n"))?;
            if printer.json {
                return Ok(());
            }
            if let Some(deployment) = &added.deployment {
                follow(invocation, &client, deployment, wait).await?;
            }
            printer.hint(&next_step(&added));
            Ok(())
        }
        Verb::Remove { domain } => {
            client.remove_domain(&app, &domain).await?;
            printer.say(&format!("{app} no longer answers at {domain}"))
        }
    }
}

/// What is left to do where the domain's DNS is kept.
fn next_step(added: &DomainAdded) -> String {
    let DomainInfo { dns, url, .. } = &added.domain;
    format!("{dns}; then it answers at {url}")
}

fn render(view: &View, domains: &[DomainInfo]) -> String {
    if domains.is_empty() {
        return "no domains; `slipway domains add HOST` adds one\n".to_owned();
    }
    let mut table = Table::new(["DOMAIN", "ADDED", "BY", "URL"]);
    for info in domains {
        table.row([
            Cell::toned(Tone::Strong, info.domain.as_str()),
            view.when(info.added_at).into(),
            info.added_by.as_str().into(),
            info.url.as_str().into(),
        ]);
    }
    table.render(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PLAIN, TERMINAL, minutes_ago, visible};

    fn info(name: &str, minutes: i64) -> DomainInfo {
        DomainInfo {
            domain: name.parse().unwrap(),
            url: format!("http://{name}:8080"),
            dns: format!("point an A, AAAA or CNAME record of `{name}` at this server"),
            added_at: minutes_ago(minutes),
            added_by: "ada@example.com".to_owned(),
        }
    }

    #[test]
    fn domains_are_listed_with_where_they_lead() {
        let domains = [info("shop.example.com", 3), info("xn--bcher-kva.example", 90)];
        insta::assert_snapshot!("domains", render(&PLAIN, &domains));
        insta::assert_snapshot!("domains_on_a_terminal", visible(&render(&TERMINAL, &domains)));
        insta::assert_json_snapshot!("domains_as_json", domains);
        insta::assert_snapshot!(render(&PLAIN, &[]), @"no domains; `slipway domains add HOST` adds one");
    }

    #[test]
    fn a_new_domain_leads_to_its_dns() {
        let added = DomainAdded { domain: info("shop.example.com", 0), deployment: None };
        insta::assert_snapshot!(next_step(&added), @"point an A, AAAA or CNAME record of `shop.example.com` at this server; then it answers at http://shop.example.com:8080");
    }
}
