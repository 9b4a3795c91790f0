//! The API's own description: one document, made from the handlers and the wire types.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::git::http as git;
use crate::routes::{
    account, alerts, apps, audit, autoscale, channels, config, deploy, deployments, domains,
    drains, events, exposition, health, invitations, logs, members, metrics, overview, processes,
    releases, runs, sessions, status, tokens,
};

pub mod page;

/// The document as it is sent.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    Api::openapi().to_pretty_json().expect("a document of our own types is valid JSON")
});

/// The document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "server",
    responses((status = 200, description = "This document", content_type = "application/json")))]
pub async fn document() -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], TEXT.as_str())
}

/// Collects every operation. A test compares it with the router, so neither can forget one.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Slipway",
        description = "Deploys, rolls back and runs apps on one's own machines.\n\nTimes are milliseconds since the Unix epoch. Unknown fields in requests are errors. Streams are server-sent events whose `id` comes back as `Last-Event-ID` to resume.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact()
    ),
    modifiers(&Credential, &Failures),
    components(schemas(
        slipway_core::wire::error::ErrorBody,
        slipway_core::wire::deployment::DeploymentUpdate,
        slipway_core::wire::metrics::SeriesBy,
        slipway_core::wire::run::RunUpdate,
    )),
    tags(
        (name = "apps", description = "Apps, their processes and their configuration"),
        (name = "deployments", description = "Carrying code to production, and taking it back"),
        (name = "look", description = "Logs, events and metrics"),
        (name = "people", description = "Signing in, members, and API tokens"),
        (name = "server", description = "The server itself"),
        (name = "git", description = "Smart HTTP, as git speaks it"),
    ),
    paths(
        health::alive, health::ready, document, page::show,
        sessions::claim, sessions::login, sessions::refresh, sessions::logout,
        account::me, account::change_password,
        tokens::list, tokens::create, tokens::revoke,
        members::list, members::change_role, members::remove, members::reset_password,
        invitations::list, invitations::invite, invitations::revoke, invitations::join,
        apps::list, apps::create, apps::show, apps::destroy,
        releases::list, releases::show, releases::show_rollback, releases::roll_back,
        deployments::restart, deployments::list, deployments::show, deployments::cancel,
        deployments::follow, deploy::image, deploy::archive,
        processes::instances, processes::scale, processes::set_scale,
        autoscale::list, autoscale::show, autoscale::set, autoscale::unset, autoscale::simulate,
        config::list, config::change, config::reveal,
        domains::list, domains::add, domains::remove,
        runs::create, runs::exec, runs::follow, runs::attach, logs::read, events::read,
        metrics::of_app, metrics::of_host, metrics::now, overview::show, exposition::expose,
        drains::list, drains::add, drains::remove, drains::test,
        status::show, audit::list,
        alerts::list, alerts::set, alerts::remove, alerts::firings,
        alerts::list_of_host, alerts::set_of_host, alerts::remove_of_host, alerts::firings_of_host,
        channels::list, channels::create, channels::remove, channels::test, channels::deliveries,
        git::advertise, git::receive, git::upload,
    )
)]
pub struct Api;

/// The one way to show who one is.
struct Credential;

impl Modify for Credential {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An access token of a session or an API token (`slp_…`), with at least the scope \
                 that the operation names. For git it is the password of Basic authentication.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("credential", SecurityScheme::Http(scheme));
    }
}

/// Every operation fails in the same shape.
struct Failures;

impl Modify for Failures {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
        let failure = ResponseBuilder::new()
            .description("Any failure, with its status")
            .content("application/json", body)
            .build();
        for item in document.paths.paths.values_mut() {
            let operations =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                let responses = &mut operation.responses.responses;
                responses.insert("default".to_owned(), RefOr::T(failure.clone()));
            }
        }
    }
}
