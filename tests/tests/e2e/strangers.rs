//! Nobody gets in without a key, through no door.

use std::collections::BTreeSet;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::HeaderValue;
use hyper::{Method, StatusCode};
use slipway_core::wire::auth::{Scope, TokenRequest};
use slipway_tests::http::{Answer, Connection, Site};
use slipway_tests::{Backend, Slipway};

use crate::Outcome;

/// What anybody may call: to sign in, to look whether it lives, to read how it is used.
const PUBLIC: [&str; 8] = [
    "POST /v1/claim",
    "POST /v1/login",
    "POST /v1/refresh",
    "POST /v1/members/join",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /docs",
];

/// The doors that are git's and not in the document.
const GIT: [&str; 3] = [
    "GET /git/shop.git/info/refs?service=git-receive-pack",
    "POST /git/shop.git/git-receive-pack",
    "POST /git/shop.git/git-upload-pack",
];

/// Every operation of the API's own description as `METHOD /path`, with example values in it.
async fn operations(slipway: &Slipway) -> anyhow::Result<BTreeSet<String>> {
    let document = slipway.client().openapi().await?;
    let paths = document["paths"].as_object().expect("the document has paths");
    let mut operations: BTreeSet<String> = GIT.map(str::to_owned).into();
    for (path, methods) in paths {
        let path = path
            .replace("{app}", "shop")
            .replace("{version}", "1")
            .replace("{process}", "web")
            .replace("{key}", "COLOUR")
            .replace("{name}", "slow")
            .replace("{domain}", "shop.example.com")
            .replace("{id}", "00000000000000000000000000");
        assert!(!path.contains('{'), "an unknown parameter: {path}");
        for method in methods.as_object().expect("a path has methods").keys() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    Ok(operations)
}

async fn call(site: &Site, operation: &str, key: Option<&str>) -> anyhow::Result<Answer> {
    let (method, path) = operation.split_once(' ').expect("an operation has two parts");
    let mut request = site.request(Method::from_bytes(method.as_bytes())?, path, Bytes::new());
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("Bearer {key}"))?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Connection::open(site.proxy).await?.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_strangers_and_forged_keys() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    slipway.developer("shop").await;
    let site = Site { proxy: slipway.api(), host: slipway.api().to_string() };
    let operations = operations(&slipway).await?;
    assert!(operations.len() > 30, "the document is complete: {operations:#?}");

    for operation in operations.iter().filter(|name| !PUBLIC.contains(&name.as_str())) {
        for key in [None, Some("slp_forged"), Some("eyJhbGciOiJub25lIn0.e30.")] {
            let answer = call(&site, operation, key).await?;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{operation} with {key:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_one_app_sees_no_other() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    slipway.developer("shop").await;
    slipway.developer("blog").await;
    let request = TokenRequest {
        name: "blog only".to_owned(),
        scope: Scope::Admin,
        app: Some(Slipway::app("blog")),
        expires_in_days: Some(1),
    };
    let key = slipway.client().create_token(&request).await?.secret;
    let site = Site { proxy: slipway.api(), host: slipway.api().to_string() };

    let operations = operations(&slipway).await?;
    let on_shop = operations.iter().filter(|name| name.contains("/v1/apps/shop"));
    for operation in on_shop {
        let hidden = call(&site, operation, Some(&key)).await?;
        let absent = operation.replace("/shop", "/nothing");
        let absent = call(&site, &absent, Some(&key)).await?;
        assert_eq!(hidden.status, absent.status, "{operation}: {}", hidden.text());
        assert!(hidden.status.is_client_error(), "{operation}: {}", hidden.status);
    }
    let apps = call(&site, "GET /v1/apps", Some(&key)).await?.text();
    assert!(apps.contains("\"blog\"") && !apps.contains("\"shop\""), "{apps}");
    Ok(())
}
