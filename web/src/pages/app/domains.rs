//! The names of its own that an app answers at.

use axum::extract::Path;
use axum::response::{Redirect, Response};
use serde::{Deserialize, Serialize};
use slipway_core::domain::Domain;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::domain::{DomainInfo, DomainRequest};

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};
use crate::visit::{Page, Visit};

/// The domains, and a form for another one.
#[derive(Debug, Serialize)]
pub struct DomainsPage {
    head: AppHead,
    domains: Vec<DomainRow>,
    /// What was typed and refused, and why.
    typed: String,
    refusal: Option<Vec<Piece>>,
    hint: Option<Vec<Piece>>,
}

#[derive(Debug, Serialize)]
struct DomainRow {
    domain: String,
    url: String,
    /// What DNS has to say.
    dns: Vec<Piece>,
    added: Moment,
    by: String,
}

impl DomainsPage {
    pub fn new(app: AppInfo, domains: Vec<DomainInfo>, now: Timestamp) -> Self {
        let row = |info: DomainInfo| DomainRow {
            domain: info.domain.to_string(),
            url: info.url,
            dns: sentence(&info.dns),
            added: Moment::new(info.added_at, now),
            by: info.added_by,
        };
        Self {
            head: AppHead::new(app.summary, Tab::Domains, now),
            domains: domains.into_iter().map(row).collect(),
            typed: String::new(),
            refusal: None,
            hint: None,
        }
    }

    /// The same after a domain was refused.
    #[must_use]
    pub fn refused(self, typed: &str, why: &str, hint: Option<&str>) -> Self {
        let (refusal, hint) = (Some(sentence(why)), hint.map(sentence));
        Self { typed: typed.to_owned(), refusal, hint, ..self }
    }
}

impl View for DomainsPage {
    const TEMPLATE: &'static str = "app_domains.html";
}

/// What the removal of a domain would do. Without JavaScript it is a page, else a dialog of the
/// list.
#[derive(Debug, Serialize)]
pub struct RemovalPage {
    pub head: AppHead,
    pub domain: String,
}

impl View for RemovalPage {
    const TEMPLATE: &'static str = "app_domain_removal.html";
}

#[derive(Deserialize)]
pub struct AddForm {
    domain: String,
}

/// The form has nothing but its token: the address says it all.
#[derive(Deserialize)]
pub struct RemovalForm {}

/// Shows the domains.
pub async fn show(mut visit: Visit, Path(name): Path<String>) -> Response {
    let page = load(&mut visit, &name).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str) -> Result<Page<DomainsPage>, Failure> {
    let name = named(name)?;
    let (app, domains, status) =
        visit
            .ask(|client| {
                let name = name.clone();
                async move {
                    tokio::try_join!(client.app(&name), client.domains(&name), client.status())
                }
            })
            .await?;
    let view = DomainsPage::new(app, domains, status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// Adds a domain, or shows the form again with what is wrong.
pub async fn add(
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<AddForm>,
) -> Response {
    let typed = form.domain.trim();
    match begin(&mut visit, &name, typed).await {
        Ok(to) => visit.keep(Redirect::to(&to)),
        Err(Failure::Api(error)) if matches!(error.status(), Some(409 | 422)) => {
            let page = load(&mut visit, &name).await.map(|page| {
                let hint = error.hint();
                let view = page.view.refused(typed, &error.to_string(), hint.as_deref());
                Page { view, ..page }
            });
            visit.answer(page)
        }
        Err(failure) => visit.lead(Err(failure)),
    }
}

async fn begin(visit: &mut Visit, name: &str, typed: &str) -> Result<String, Failure> {
    let app = named(name)?;
    let request = DomainRequest { domain: typed.to_owned() };
    visit
        .ask(|client| {
            let (app, request) = (app.clone(), request.clone());
            async move { client.add_domain(&app, &request).await }
        })
        .await?;
    Ok(format!("/apps/{name}/domains"))
}

/// Asks whether a domain is meant to go.
pub async fn ask(mut visit: Visit, Path((name, domain)): Path<(String, String)>) -> Response {
    let page = find(&mut visit, &name, &domain).await;
    visit.answer(page)
}

async fn find(visit: &mut Visit, name: &str, domain: &str) -> Result<Page<RemovalPage>, Failure> {
    let domain: Domain = domain.parse().map_err(|_| Failure::NotFound)?;
    let name = named(name)?;
    let (app, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.status()) }
        })
        .await?;
    if !app.domains.contains(&domain) {
        return Err(Failure::NotFound);
    }
    let head = AppHead::new(app.summary, Tab::Domains, status.now);
    let view = RemovalPage { head, domain: domain.to_string() };
    Ok(Page { view, status, refresh_s: None })
}

/// Removes a domain.
pub async fn remove(
    mut visit: Visit,
    Path((name, domain)): Path<(String, String)>,
    _: Guarded<RemovalForm>,
) -> Response {
    let to = end(&mut visit, &name, &domain).await;
    visit.lead(to)
}

async fn end(visit: &mut Visit, name: &str, domain: &str) -> Result<String, Failure> {
    let app = named(name)?;
    let domain: Domain = domain.parse().map_err(|_| Failure::NotFound)?;
    visit
        .ask(|client| {
            let (app, domain) = (app.clone(), domain.clone());
            async move { client.remove_domain(&app, &domain).await }
        })
        .await?;
    Ok(format!("/apps/{name}/domains"))
}
