//! Every route, on one page. Each has its operation in the [`openapi`](crate::openapi) document.

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{MethodFilter, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::error::ApiError;
use crate::git::http as git;
use crate::middleware::{failure, headers, read_only, request, trail};
use crate::openapi;
use crate::routes::{
    account, alerts, apps, audit, autoscale, channels, config, deploy, deployments, domains,
    drains, events, exposition, health, invitations, logs, members, metrics, overview, processes,
    releases, runs, sessions, status, tokens,
};
use crate::state::ApiState;

/// The API. Serve it with [`serve`](crate::serve::serve), which tells it who connects.
pub fn router(state: ApiState) -> Router {
    use axum::extract::DefaultBodyLimit;
    use axum::middleware::{from_fn, from_fn_with_state};

    let limits = state.settings.limits.clone();
    let ordinary = ordinary()
        .router
        .layer(DefaultBodyLimit::max(limits.json_bytes))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limits.request_time));
    // Streams, uploads and git last as long as they must, and bound themselves.
    let lasting = lasting().router.layer(DefaultBodyLimit::disable());
    let git = git_routes()
        .router
        .layer(RequestDecompressionLayer::new().gzip(true))
        .layer(DefaultBodyLimit::disable());
    ordinary
        .merge(lasting)
        .merge(git)
        .fallback(async || ApiError::NoSuchRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(failure::of_panic))
        .layer(from_fn_with_state(state.clone(), trail::record))
        .layer(from_fn_with_state(state.clone(), read_only::refuse))
        .layer(from_fn(failure::render))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(state.clone(), request::identify))
        .with_state(state)
}

/// Every route's method and path, as the router has them.
pub fn routes() -> Vec<(Method, &'static str)> {
    [ordinary(), lasting(), git_routes()].into_iter().flat_map(|routes| routes.listed).collect()
}

fn ordinary() -> Routes {
    watching(running(sharing(server(Routes::default()))))
}

/// The server itself, and who may use it.
fn server(routes: Routes) -> Routes {
    routes
        .get("/healthz", health::alive)
        .get("/readyz", health::ready)
        .get("/openapi.json", openapi::document)
        .get("/docs", openapi::page::show)
        .get("/metrics", exposition::expose)
        .post("/v1/claim", sessions::claim)
        .post("/v1/login", sessions::login)
        .post("/v1/refresh", sessions::refresh)
        .post("/v1/logout", sessions::logout)
        .get("/v1/me", account::me)
        .put("/v1/me/password", account::change_password)
        .get("/v1/tokens", tokens::list)
        .post("/v1/tokens", tokens::create)
        .delete("/v1/tokens/{id}", tokens::revoke)
        .get("/v1/status", status::show)
        .get("/v1/audit", audit::list)
}

/// Who shares the server, and how they come and go.
fn sharing(routes: Routes) -> Routes {
    routes
        .get("/v1/members", members::list)
        .put("/v1/members/{id}", members::change_role)
        .delete("/v1/members/{id}", members::remove)
        .post("/v1/members/{id}/password-reset", members::reset_password)
        .get("/v1/members/invitations", invitations::list)
        .post("/v1/members/invitations", invitations::invite)
        .delete("/v1/members/invitations/{id}", invitations::revoke)
        .post("/v1/members/join", invitations::join)
}

/// Apps, what they are and what they run.
fn running(routes: Routes) -> Routes {
    routes
        .get("/v1/apps", apps::list)
        .post("/v1/apps", apps::create)
        .get("/v1/apps/{app}", apps::show)
        .delete("/v1/apps/{app}", apps::destroy)
        .get("/v1/apps/{app}/releases", releases::list)
        .get("/v1/apps/{app}/releases/{version}", releases::show)
        .get("/v1/apps/{app}/rollback", releases::show_rollback)
        .post("/v1/apps/{app}/rollback", releases::roll_back)
        .post("/v1/apps/{app}/restart", deployments::restart)
        .post("/v1/apps/{app}/deploy/image", deploy::image)
        .get("/v1/apps/{app}/deployments", deployments::list)
        .get("/v1/deployments/{id}", deployments::show)
        .post("/v1/deployments/{id}/cancel", deployments::cancel)
        .get("/v1/apps/{app}/instances", processes::instances)
        .get("/v1/apps/{app}/scale", processes::scale)
        .put("/v1/apps/{app}/scale", processes::set_scale)
        .get("/v1/apps/{app}/autoscale", autoscale::list)
        .get("/v1/apps/{app}/autoscale/{process}", autoscale::show)
        .put("/v1/apps/{app}/autoscale/{process}", autoscale::set)
        .delete("/v1/apps/{app}/autoscale/{process}", autoscale::unset)
        .post("/v1/apps/{app}/autoscale/{process}/simulate", autoscale::simulate)
        .get("/v1/apps/{app}/config", config::list)
        .patch("/v1/apps/{app}/config", config::change)
        .get("/v1/apps/{app}/config/{key}", config::reveal)
        .get("/v1/apps/{app}/domains", domains::list)
        .post("/v1/apps/{app}/domains", domains::add)
        .delete("/v1/apps/{app}/domains/{domain}", domains::remove)
        .post("/v1/apps/{app}/runs", runs::create)
        .post("/v1/apps/{app}/exec", runs::exec)
}

/// What apps do, and who is told.
fn watching(routes: Routes) -> Routes {
    routes
        .get("/v1/apps/{app}/metrics", metrics::of_app)
        .get("/v1/metrics/host", metrics::of_host)
        .get("/v1/metrics/now", metrics::now)
        .get("/v1/metrics/overview", overview::show)
        .get("/v1/apps/{app}/drains", drains::list)
        .post("/v1/apps/{app}/drains", drains::add)
        .delete("/v1/apps/{app}/drains/{id}", drains::remove)
        .post("/v1/apps/{app}/drains/{id}/test", drains::test)
        .get("/v1/apps/{app}/alerts", alerts::list)
        .put("/v1/apps/{app}/alerts/{name}", alerts::set)
        .delete("/v1/apps/{app}/alerts/{name}", alerts::remove)
        .get("/v1/apps/{app}/firings", alerts::firings)
        .get("/v1/alerts", alerts::list_of_host)
        .put("/v1/alerts/{name}", alerts::set_of_host)
        .delete("/v1/alerts/{name}", alerts::remove_of_host)
        .get("/v1/firings", alerts::firings_of_host)
        .get("/v1/channels", channels::list)
        .post("/v1/channels", channels::create)
        .delete("/v1/channels/{name}", channels::remove)
        .post("/v1/channels/{name}/test", channels::test)
        .get("/v1/channels/{name}/deliveries", channels::deliveries)
}

fn lasting() -> Routes {
    Routes::default()
        .post("/v1/apps/{app}/deploy/archive", deploy::archive)
        .get("/v1/apps/{app}/logs", logs::read)
        .get("/v1/apps/{app}/runs/{id}/stream", runs::follow)
        .get("/v1/apps/{app}/runs/{id}/attach", runs::attach)
        .get("/v1/deployments/{id}/stream", deployments::follow)
        .get("/v1/events", events::read)
}

fn git_routes() -> Routes {
    Routes::default()
        .get("/git/{app}/info/refs", git::advertise)
        .post("/git/{app}/git-receive-pack", git::receive)
        .post("/git/{app}/git-upload-pack", git::upload)
}

/// A router that remembers what is in it.
#[derive(Default)]
struct Routes {
    router: Router<ApiState>,
    listed: Vec<(Method, &'static str)>,
}

macro_rules! methods {
    ($($name:ident, $method:ident;)*) => {$(
        fn $name<H, T>(mut self, path: &'static str, handler: H) -> Self
        where
            H: Handler<T, ApiState>,
            T: 'static,
        {
            self.router = self.router.route(path, on(MethodFilter::$method, handler));
            self.listed.push((Method::$method, path));
            self
        }
    )*};
}

impl Routes {
    methods! {
        get, GET;
        post, POST;
        put, PUT;
        patch, PATCH;
        delete, DELETE;
    }
}
