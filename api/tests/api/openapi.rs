//! The API describes itself, wholly and truly.

use std::collections::BTreeSet;

use crate::world::World;

#[tokio::test]
async fn the_document_has_every_route_and_no_other() {
    let world = World::start().await;
    let document = world.stranger().get("/openapi.json").await.json();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routed: BTreeSet<String> =
        slipway_api::routes().iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(routed, described);
}

#[tokio::test]
async fn the_document_is_what_it_was() {
    let world = World::start().await;
    let mut document = world.stranger().get("/openapi.json").await.json();
    document["info"]["version"] = "0".into();
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let world = World::start().await;
    let text = world.stranger().get("/openapi.json").await.text;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn the_page_is_readable_and_self_contained() {
    let world = World::start().await;
    let page = world.stranger().get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!page.text.contains("<script"));
    assert!(page.text.contains("/v1/apps/{app}/rollback"));
}
