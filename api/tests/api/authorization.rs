//! Who may do what: every operation of the `OpenAPI` document × every kind of caller.
//!
//! The table below is written by hand and compared with the document: an operation that is missing
//! here, or needs another scope there, fails.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;

use crate::person::{Person, read};
use crate::world::World;

/// What an operation demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// Nothing.
    Nobody,
    /// A scope in one app; out of sight is 404.
    InApp(Scope),
    /// A scope, and a token that is not limited to one app.
    Everywhere(Scope),
    /// A scope; a limited token sees its part.
    Anywhere(Scope),
    /// A session. No token will do.
    Session,
    /// A session, or the scope `admin`.
    SessionOrAdmin,
    /// The scope `admin`, or a session of whom it is about, which no caller of the table is.
    OneselfOrAdmin,
}

/// Every operation with its demand.
#[expect(clippy::too_many_lines, reason = "a table is as long as it is")]
fn table() -> BTreeMap<&'static str, Demand> {
    use Demand::{Anywhere, Everywhere, InApp, Nobody, OneselfOrAdmin, Session, SessionOrAdmin};
    use Scope::{Admin, Deploy, Read, Write};
    BTreeMap::from([
        ("alive", Nobody),
        ("ready", Nobody),
        ("openapi", Nobody),
        ("docs", Nobody),
        ("metrics", Everywhere(Read)),
        ("claim", Nobody),
        ("login", Nobody),
        ("refresh", Nobody),
        ("logout", Session),
        ("me", Anywhere(Read)),
        ("change_password", Session),
        ("list_tokens", Everywhere(Read)),
        ("create_token", SessionOrAdmin),
        ("revoke_token", SessionOrAdmin),
        ("list_members", Everywhere(Read)),
        ("change_role", Everywhere(Admin)),
        ("remove_member", OneselfOrAdmin),
        ("reset_password", Everywhere(Admin)),
        ("list_invitations", Everywhere(Admin)),
        ("invite", Everywhere(Admin)),
        ("revoke_invitation", Everywhere(Admin)),
        ("join", Nobody),
        ("list_apps", Anywhere(Read)),
        ("create_app", Everywhere(Write)),
        ("show_app", InApp(Read)),
        ("destroy_app", InApp(Write)),
        ("list_releases", InApp(Read)),
        ("show_release", InApp(Read)),
        ("show_rollback", InApp(Read)),
        ("roll_back", InApp(Deploy)),
        ("restart", InApp(Deploy)),
        ("deploy_image", InApp(Deploy)),
        ("deploy_archive", InApp(Deploy)),
        ("list_deployments", InApp(Read)),
        ("show_deployment", InApp(Read)),
        ("follow_deployment", InApp(Read)),
        ("cancel_deployment", InApp(Deploy)),
        ("list_instances", InApp(Read)),
        ("show_scale", InApp(Read)),
        ("set_scale", InApp(Write)),
        ("list_autoscale", InApp(Read)),
        ("show_autoscale", InApp(Read)),
        ("set_autoscale", InApp(Write)),
        ("unset_autoscale", InApp(Write)),
        ("simulate_autoscale", InApp(Read)),
        ("list_config", InApp(Read)),
        ("change_config", InApp(Write)),
        ("reveal_config", InApp(Write)),
        ("list_domains", InApp(Read)),
        ("add_domain", InApp(Write)),
        ("remove_domain", InApp(Write)),
        ("create_run", InApp(Write)),
        ("follow_run", InApp(Read)),
        ("create_exec", InApp(Write)),
        ("attach_run", InApp(Write)),
        ("read_logs", InApp(Read)),
        ("list_drains", InApp(Read)),
        ("add_drain", InApp(Write)),
        ("remove_drain", InApp(Write)),
        ("test_drain", InApp(Write)),
        ("read_events", Anywhere(Read)),
        ("app_metrics", InApp(Read)),
        ("host_metrics", Everywhere(Read)),
        ("metrics_now", Anywhere(Read)),
        ("metrics_overview", Anywhere(Read)),
        ("show_status", Everywhere(Read)),
        ("list_audit", Everywhere(Admin)),
        ("list_alerts", InApp(Read)),
        ("set_alert", InApp(Write)),
        ("remove_alert", InApp(Write)),
        ("list_firings", InApp(Read)),
        ("list_host_alerts", Everywhere(Read)),
        ("set_host_alert", Everywhere(Admin)),
        ("remove_host_alert", Everywhere(Admin)),
        ("list_host_firings", Everywhere(Read)),
        ("list_channels", Everywhere(Read)),
        ("create_channel", Everywhere(Admin)),
        ("remove_channel", Everywhere(Admin)),
        ("test_channel", Everywhere(Admin)),
        ("list_deliveries", Everywhere(Read)),
        ("git_refs", InApp(Read)),
        ("git_push", InApp(Deploy)),
        ("git_fetch", InApp(Read)),
    ])
}

/// An operation as the document has it.
struct Operation {
    id: String,
    method: Method,
    path: String,
    /// The scope it names.
    scope: Option<String>,
}

async fn operations(world: &World) -> Vec<Operation> {
    let document = world.stranger().get("/openapi.json").await.json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["credential"][0].as_str();
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                scope: scope.map(str::to_owned),
            });
        }
    }
    operations
}

#[tokio::test]
async fn every_operation_is_in_the_table_with_the_scope_that_the_document_names() {
    let world = World::start().await;
    let mut table = table();
    for operation in operations(&world).await {
        let demand = table.remove(operation.id.as_str());
        let demand = demand.unwrap_or_else(|| panic!("`{}` is not in the table", operation.id));
        let needs = match demand {
            Demand::Nobody => None,
            Demand::InApp(scope) | Demand::Everywhere(scope) | Demand::Anywhere(scope) => {
                Some(scope.as_str().to_owned())
            }
            Demand::Session | Demand::SessionOrAdmin | Demand::OneselfOrAdmin => {
                Some("read".to_owned())
            }
        };
        assert_eq!(operation.scope, needs, "{}", operation.id);
    }
    assert!(table.is_empty(), "these are not in the document: {table:?}");
}

/// How an answer treats the caller, whatever else it says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treated {
    Admitted,
    NotSignedIn,
    Refused,
    NotFound,
}

fn expected(demand: Demand, caller: &Caller) -> Treated {
    let (Some(scope), limited) = (caller.scope, caller.elsewhere) else {
        return if demand == Demand::Nobody { Treated::Admitted } else { Treated::NotSignedIn };
    };
    let admitted = |yes: bool| if yes { Treated::Admitted } else { Treated::Refused };
    match demand {
        Demand::Nobody => Treated::Admitted,
        Demand::InApp(_) if limited => Treated::NotFound,
        Demand::InApp(needs) | Demand::Anywhere(needs) => admitted(scope >= needs),
        Demand::Everywhere(needs) => admitted(scope >= needs && !limited),
        Demand::Session => admitted(caller.session),
        Demand::SessionOrAdmin => admitted(caller.session || (scope == Scope::Admin && !limited)),
        Demand::OneselfOrAdmin => admitted(scope == Scope::Admin && !limited),
    }
}

struct Caller {
    name: &'static str,
    person: Person,
    scope: Option<Scope>,
    /// Whether they are signed in, and did not come with a token.
    session: bool,
    /// Whether the token is limited to another app.
    elsewhere: bool,
}

impl Caller {
    fn new(name: &'static str, person: Person, scope: Option<Scope>) -> Self {
        Self { name, person, scope, session: false, elsewhere: false }
    }
}

async fn callers(world: &World, admin: &Person) -> Vec<Caller> {
    let mut callers = vec![Caller::new("stranger", world.stranger(), None)];
    for (token, member, scope) in [
        ("read token", "reader", Scope::Read),
        ("deploy token", "deployer", Scope::Deploy),
        ("write token", "writer", Scope::Write),
        ("admin token", "administrator", Scope::Admin),
    ] {
        callers.push(Caller::new(token, world.token(admin, scope, None).await, Some(scope)));
        let person = world.member(admin, member, scope).await;
        callers.push(Caller { session: true, ..Caller::new(member, person, Some(scope)) });
    }
    // A token that was made with more than its owner may do by now.
    let demoted = world.member(admin, "demoted", Scope::Admin).await;
    let person = world.token(&demoted, Scope::Admin, None).await;
    let id = demoted.get("/v1/me").await.json()["user"]["id"].as_str().unwrap().to_owned();
    let role = json!({"role": "deploy"});
    assert_eq!(admin.put(&format!("/v1/members/{id}"), &role).await.status, 200);
    callers.push(Caller::new("admin token of a deployer", person, Some(Scope::Deploy)));
    let person = world.token(admin, Scope::Admin, Some("blog")).await;
    let limited = Caller::new("token of another app", person, Some(Scope::Admin));
    callers.push(Caller { elsewhere: true, ..limited });
    callers
}

#[tokio::test]
async fn every_operation_treats_every_kind_of_caller_as_the_table_says() {
    let world = World::with_limits(|limits| {
        limits.stream_time = std::time::Duration::from_millis(50);
        limits.login_failures_per_address = 1000;
    })
    .await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    world.app(&admin, "blog").await;
    let image = json!({"reference": "nginx:1.25"});
    let deployed = admin.post("/v1/apps/shop/deploy/image", &image).await.json();
    let deployment = deployed["id"].as_str().unwrap();
    let table = table();
    let mut wrong = Vec::new();
    for caller in callers(&world, &admin).await {
        let mut operations = operations(&world).await;
        // Whoever has a session would be a stranger after it.
        operations.sort_by_key(|operation| operation.id == "logout");
        for operation in operations {
            let path = operation
                .path
                .replace("{app}", "shop")
                .replace("/v1/deployments/{id}", &format!("/v1/deployments/{deployment}"))
                .replace("{id}", "tok_00000000000000000000000000")
                .replace("{version}", "1")
                .replace("{key}", "KEY")
                .replace("{process}", "web");
            let query = if operation.id == "git_refs" { "?service=git-upload-pack" } else { "" };
            let request = caller.person.request(operation.method, &format!("{path}{query}"));
            let answer = read(request.json(&body(&operation.id))).await;
            let treated = match (answer.status, code(&answer.text).as_str()) {
                (401, "not_signed_in" | "text") => Treated::NotSignedIn,
                (403, _) => Treated::Refused,
                (404, _) if answer.text.contains("app `shop`") => Treated::NotFound,
                (404, _) if answer.text.contains("deployment `") => Treated::NotFound,
                _ => Treated::Admitted,
            };
            if treated != expected(table[operation.id.as_str()], &caller) {
                let said = format!("{} {}", answer.status, answer.text);
                wrong.push(format!("{} × {}: {treated:?} ({said})", operation.id, caller.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A body that goes as far as it can without changing what the next caller meets.
fn body(operation: &str) -> Value {
    match operation {
        "create_token" => json!({"name": "x", "scope": "read"}),
        "change_password" => json!({"current_password": "x", "new_password": "y"}),
        "set_scale" => json!({"counts": {}}),
        "change_config" => json!({"values": {}}),
        _ => json!({}),
    }
}

fn code(text: &str) -> String {
    let body: Result<Value, _> = serde_json::from_str(text);
    body.map_or_else(|_| "text".to_owned(), |it| it["code"].as_str().unwrap_or("").to_owned())
}
