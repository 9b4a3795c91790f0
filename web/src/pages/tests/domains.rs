//! The page of an app's domains.

use slipway_core::time::Millis;
use slipway_core::wire::app::AppHealth;
use slipway_core::wire::domain::DomainInfo;

use super::fixtures::{NOW, answers, app};
use super::{HOSTILE, assert_nothing_ran, render, signed_in};
use crate::pages::app::domains::{DomainsPage, RemovalPage};
use crate::view::app_head::{AppHead, Tab};

pub fn domain(name: &str) -> DomainInfo {
    DomainInfo {
        domain: name.parse().unwrap(),
        url: format!("http://{name}:8080"),
        dns: format!("point an A, AAAA or CNAME record of `{name}` at this server"),
        added_at: NOW - Millis::from_secs(7_200),
        added_by: "ada@example.com".to_owned(),
    }
}

#[test]
fn domains_are_listed_with_what_dns_has_to_say() {
    let domains = vec![domain("shop.example.com"), domain("xn--bcher-kva.example")];
    let page = DomainsPage::new(answers().app, domains, NOW);
    insta::assert_snapshot!("domains", render(signed_in, &page));
}

#[test]
fn without_a_domain_the_page_says_how_to_have_one() {
    let page = DomainsPage::new(answers().app, Vec::new(), NOW);
    insta::assert_snapshot!("domains_empty", render(signed_in, &page));
}

#[test]
fn a_refused_domain_stays_in_the_form_beside_its_reason() {
    let why = "the domain `taken.example.com` belongs to another app";
    let page = DomainsPage::new(answers().app, Vec::new(), NOW);
    let page = page.refused("taken.example.com", why, Some("remove it there first"));
    let html = render(signed_in, &page);
    let said = "The domain <code>taken.example.com</code> belongs to another app. Remove it there";
    assert!(html.contains(said), "{html}");
    assert!(html.contains("value=\"taken.example.com\""), "{html}");

    let page = DomainsPage::new(answers().app, Vec::new(), NOW);
    let html = render(signed_in, &page.refused(HOSTILE, HOSTILE, None));
    assert_nothing_ran(&html);
}

#[test]
fn a_removal_says_what_it_does_before_it_does_it() {
    let head = AppHead::new(app("shop", AppHealth::Healthy), Tab::Domains, NOW);
    let page = RemovalPage { head, domain: "shop.example.com".to_owned() };
    insta::assert_snapshot!("domain_removal", render(signed_in, &page));
}
