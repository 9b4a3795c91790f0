//! Every route of the console, on one page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::timeout::TimeoutLayer;

use crate::console::Console;
use crate::pages::{
    alerts, app, apps, channels, claim, deployment, events, join, members, not_found, server,
    sign_in, sign_out, tokens,
};
use crate::{assets, guard, headers};

/// The largest form but one is an address and a password.
const FORM_BYTES: usize = 16 * 1024;
/// A whole configuration; a key takes up to three times its bytes in a form.
const CONFIG_BYTES: usize = 1024 * 1024;
/// Longer than the client's own deadline for the API.
const PAGE_DEADLINE: Duration = Duration::from_secs(40);

/// The console's pages.
///
/// It has no fallback, which it would take from the API in the same process; instead the places
/// where people mistype an address have a page that says so.
pub fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/", get(apps::show))
        .merge(of_an_app())
        .merge(of_alerts())
        .route("/deployments/{id}", get(deployment::show))
        .route("/deployments/{id}/stream", get(deployment::stream::relayed))
        .route("/deployments/{id}/progress", get(deployment::stream::progress))
        .route("/events", get(events::show))
        .route("/server", get(server::show))
        .route("/tokens", get(tokens::show).post(tokens::create))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .merge(of_members())
        .route("/claim", get(claim::ask).post(claim::accept))
        .route("/sign-in", get(sign_in::ask).post(sign_in::accept))
        .route("/sign-out", post(sign_out::accept))
        .route("/assets/{file}", get(assets::serve))
        .route("/{page}", get(not_found::show))
        .route("/apps/{app}/{*page}", get(not_found::show))
        .route("/deployments/{id}/{*page}", get(not_found::show))
        .method_not_allowed_fallback(not_found::wrong_method)
        .layer(from_fn_with_state(Arc::clone(&console), guard::refuse_foreign))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PAGE_DEADLINE))
        .layer(from_fn(headers::secure))
        .with_state(console)
}

fn of_members() -> Router<Arc<Console>> {
    Router::new()
        .route("/members", get(members::show).post(members::invite))
        .route("/members/{id}/role", post(members::change_role))
        .route("/members/{id}/reset", post(members::reset))
        .route("/members/{id}/remove", get(members::removal::ask).post(members::removal::accept))
        .route("/members/invitations/{id}/revoke", post(members::revoke))
        .route("/join", get(join::ask).post(join::accept))
}

fn of_an_app() -> Router<Arc<Console>> {
    let config = Router::new()
        .route("/apps/{app}/config", get(app::config::show).post(app::config::edit::accept))
        .route("/apps/{app}/config/reveal", post(app::config::reveal))
        .route(
            "/apps/{app}/config/edit",
            get(app::config::edit::ask).post(app::config::edit::review),
        )
        .layer(DefaultBodyLimit::max(CONFIG_BYTES));
    Router::new()
        .route("/apps/{app}", get(app::show))
        .route("/apps/{app}/deployments", get(app::deployments::show))
        .route("/apps/{app}/releases", get(app::releases::show))
        .route(
            "/apps/{app}/releases/{version}/rollback",
            get(app::rollback::ask).post(app::rollback::accept),
        )
        .route("/apps/{app}/metrics", get(app::metrics::show))
        .route("/apps/{app}/metrics/data", get(app::metrics::data))
        .route("/apps/{app}/logs", get(app::logs::show))
        .route("/apps/{app}/logs/stream", get(app::logs::stream))
        .route("/apps/{app}/logs/download", get(app::logs::download))
        .route("/apps/{app}/scale", get(app::scale::ask).post(app::scale::accept))
        .route("/apps/{app}/domains", get(app::domains::show).post(app::domains::add))
        .route(
            "/apps/{app}/domains/{domain}/remove",
            get(app::domains::ask).post(app::domains::remove),
        )
        .route(
            "/apps/{app}/scale/{process}",
            get(app::autoscale::show).post(app::autoscale::accept),
        )
        .route("/apps/{app}/scale/{process}/simulate", post(app::autoscale::simulate))
        .route("/apps/{app}/scale/{process}/off", post(app::autoscale::leave))
        .route("/apps/{app}/drains", get(app::drains::show).post(app::drains::add))
        .route("/apps/{app}/drains/{id}/test", post(app::drains::test))
        .route("/apps/{app}/drains/{id}/remove", post(app::drains::remove))
        .route("/apps/{app}/settings", get(app::settings::show))
        .route("/apps/{app}/restart", post(app::settings::restart))
        .route("/apps/{app}/delete", post(app::settings::delete))
        .merge(config)
}

fn of_alerts() -> Router<Arc<Console>> {
    Router::new()
        .route("/alerts", get(alerts::of_host).post(alerts::set_of_host))
        .route("/alerts/{alert}/switch", post(alerts::switch_of_host))
        .route("/alerts/{alert}/remove", post(alerts::remove_of_host))
        .route("/apps/{app}/alerts", get(alerts::of_app).post(alerts::set_of_app))
        .route("/apps/{app}/alerts/{alert}/switch", post(alerts::switch_of_app))
        .route("/apps/{app}/alerts/{alert}/remove", post(alerts::remove_of_app))
        .route("/channels", get(channels::show).post(channels::create))
        .route("/channels/{channel}/test", post(channels::test))
        .route("/channels/{channel}/remove", post(channels::remove))
}
