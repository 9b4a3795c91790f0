//! Domains, as they are typed and as they travel.

use serde_json::{Value, json};

use crate::harness::{Desk, Seen, Server, deployment, goes_live, me, ok, refuse, unexpected};

fn added(deployment: &Value) -> Value {
    json!({"domain": {"domain": "shop.example.com", "url": "http://shop.example.com:8080",
        "dns": "point an A, AAAA or CNAME record of `shop.example.com` at this server",
        "added_at": 1, "added_by": "ada@example.com"}, "deployment": deployment})
}

async fn server(deployment: Value) -> Server {
    Server::start(move |seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        "POST /v1/apps/shop/domains" => ok(&added(&deployment)),
        "POST /v1/apps/blog/domains" => {
            let message = "the domain `shop.example.com` belongs to another app";
            refuse(409, "domain_taken", message, Some("remove it there first"))
        }
        "DELETE /v1/apps/shop/domains/xn--bcher-kva.example" => ok(&json!(null)),
        line if line.ends_with("/stream") => goes_live(),
        _ => unexpected(seen),
    })
    .await
}

#[tokio::test]
async fn a_new_domain_is_followed_until_the_app_knows_it_and_ends_with_its_dns() {
    let server = server(deployment(&json!({"name": "queued"}))).await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["domains:add", "Shop.Example.com.", "-a", "shop"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let begins = "shop.example.com is a domain of shop\n-----> Starting v42: web=1\n";
    assert!(ended.stdout.starts_with(begins), "{ended:?}");
    let hint = "hint: point an A, AAAA or CNAME record of `shop.example.com` at this server; then \
                it answers at http://shop.example.com:8080\n";
    assert!(ended.stderr.ends_with(hint), "{ended:?}");
    assert_eq!(server.only("POST").json(), json!({"domain": "shop.example.com"}));
}

#[tokio::test]
async fn programs_get_the_whole_answer_at_once() {
    let answer = deployment(&json!({"name": "queued"}));
    let server = server(answer.clone()).await;
    let desk = Desk::signed_in(&server).await;
    let said = desk.slipway(&["domains", "add", "shop.example.com", "-a", "shop", "--json"]).await;
    let said: Value = serde_json::from_str(&said.success()).unwrap();
    assert_eq!(said, added(&answer));
    assert!(!server.seen().iter().any(|seen| seen.line.ends_with("/stream")));
}

#[tokio::test]
async fn a_name_is_normal_before_it_travels_and_nonsense_never_does() {
    let server = server(Value::Null).await;
    let desk = Desk::signed_in(&server).await;
    let said = desk.slipway(&["domains", "remove", "Bücher.example", "-a", "shop"]).await;
    assert_eq!(said.success(), "shop no longer answers at xn--bcher-kva.example\n");
    server.only("DELETE /v1/apps/shop/domains/xn--bcher-kva.example");
    let before = server.seen().len();
    let refused = desk.slipway(&["domains", "add", "*.example.com", "-a", "shop"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("it is a wildcard; hint: add every name by itself"));
    assert_eq!(server.seen().len(), before);
    let taken = desk.slipway(&["domains", "add", "shop.example.com", "-a", "blog"]).await;
    let said = "error: the domain `shop.example.com` belongs to another app\n\
                hint: remove it there first\n";
    assert_eq!((taken.code, taken.stderr.as_str()), (1, said));
}
