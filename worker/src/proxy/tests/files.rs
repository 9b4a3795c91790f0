//! Static files, served without asking the app.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::{ProxyConfig, Site, Times};
use super::backend::Backend;
use super::rig::{HOST, Rig, eventually, shop, shop_site};

struct Statics {
    rig: Rig,
    root: PathBuf,
    backend: Backend,
}

/// Two releases, `new` before `old`, and an app behind them.
async fn statics() -> Statics {
    let rig = Rig::prepare(|_| {});
    let root = rig.path().join("static");
    for (release, file, text) in [
        ("new", "site.css", "new css"),
        ("new", "app.0c1f77ab9e42.css", "hashed"),
        ("new", "sub/page.html", "page"),
        ("old", "site.css", "old css"),
        ("old", "gone.css", "of the release before"),
    ] {
        write(&root.join("releases").join(release).join(file), text);
    }
    fs::create_dir_all(root.join("releases/empty")).unwrap();
    point(&root, "current", "new");
    point(&root, "previous", "old");
    let site = Site {
        static_url: Some("/static/".parse().unwrap()),
        static_root: root.clone(),
        ..shop_site()
    };
    rig.proxy.apply(&ProxyConfig { sites: vec![site] }).await.unwrap();
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    Statics { rig, root, backend }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Swaps a link the way a release is published.
fn point(root: &Path, link: &str, release: &str) {
    let new = root.join("link.new");
    symlink(Path::new("releases").join(release), &new).unwrap();
    fs::rename(&new, root.join(link)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_from_this_release_then_the_one_before_then_the_app() {
    let Statics { rig, backend, .. } = statics().await;
    let css = rig.get("/static/site.css").await;
    assert_eq!((css.status(), css.body.as_str()), (200, "new css"));
    assert_eq!(css.head.header("content-type"), Some("text/css"));
    assert_eq!(rig.get("/static/sub/page.html").await.body, "page");
    assert_eq!(rig.get("/static/gone.css").await.body, "of the release before");
    assert_eq!(backend.requests(), 0);
    assert_eq!(rig.get("/static/only-the-app-knows.css").await.body, backend.name());
    assert_eq!(rig.get("/other").await.body, backend.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_release_is_served_at_once_without_a_reload() {
    let Statics { rig, root, .. } = statics().await;
    let workers = rig.workers();
    assert_eq!(rig.get("/static/site.css").await.body, "new css");
    point(&root, "current", "old");
    assert_eq!(rig.get("/static/site.css").await.body, "old css");
    point(&root, "current", "empty");
    point(&root, "previous", "new");
    assert_eq!(rig.get("/static/site.css").await.body, "new css");
    assert_eq!(rig.workers(), workers);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_names_with_a_hash_are_cached_for_long() {
    let Statics { rig, root, .. } = statics().await;
    for (name, long) in [
        ("app.0c1f77ab9e42.css", true),
        ("index-BqX3d9_a.js", true),
        ("main.8f3e2c1a.js.map", true),
        ("site.css", false),
        ("report-20240101.pdf", false),
        ("jquery-3.7.1.min.js", false),
        ("font-awesome.css", false),
        ("some-settings.js", false),
        ("deadbeef.css", false),
    ] {
        write(&root.join("releases/new").join(name), "x");
        let response = rig.get(&format!("/static/{name}")).await;
        let expected = if long { "public, max-age=31536000, immutable" } else { "no-cache" };
        assert_eq!(response.head.header("cache-control"), Some(expected), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_a_release_is_ever_served() {
    let Statics { rig, root, backend } = statics().await;
    let release = root.join("releases/new");
    write(&root.join("secret.txt"), "secret");
    symlink(root.join("secret.txt"), release.join("link.txt")).unwrap();
    symlink("../../secret.txt", release.join("relative.txt")).unwrap();
    symlink(&root, release.join("directory")).unwrap();
    for path in [
        "/static/link.txt",
        "/static/relative.txt",
        "/static/directory/secret.txt",
        "/static/../secret.txt",
        "/static/..%2fsecret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/sub/../../secret.txt",
        "/static//../../secret.txt",
        "/static/",
        "/static/sub/",
        "/static/sub",
        "/static",
    ] {
        let mut client = rig.client().await;
        let response = client.get(HOST, path).await.unwrap();
        assert!(!response.body.contains("secret"), "{path}");
        let left_to_the_app = response.body == backend.name();
        assert!(left_to_the_app || response.status() == 400, "{path}: {}", response.body);
    }
}

/// Asks on a connection of its own, and tells how many bytes came back.
async fn bytes_of(rig: &Rig, path: &str, headers: &str) -> (u16, u64) {
    let mut client = rig.client().await;
    client.send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n")).await;
    let response = client.receive().await.unwrap();
    let bytes = response.head.text.len() + "\r\n".len() + response.body.len();
    (response.status(), u64::try_from(bytes).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_count_as_bytes_and_not_as_requests_of_the_app() {
    let Statics { rig, backend, .. } = statics().await;
    let css = rig.get("/static/site.css").await;
    let fresh = format!("If-None-Match: {}\r\n", css.head.header("etag").unwrap());
    let (_, mut bytes) = bytes_of(&rig, "/static/site.css", "").await;
    bytes *= 2;
    for _ in 0..20 {
        for (path, headers, status) in [
            ("/static/site.css", "", 200),
            ("/static/gone.css", "", 200),
            ("/static/site.css", fresh.as_str(), 304),
        ] {
            let (answered, more) = bytes_of(&rig, path, headers).await;
            assert_eq!(answered, status);
            bytes += more;
        }
    }
    for path in ["/static/only-the-app-knows.css", "/own-502", "/slow/200"] {
        bytes += bytes_of(&rig, path, "").await.1;
    }
    assert_eq!(backend.requests(), 3);
    rig.set(&[]).await;
    for path in ["/", "/static/only-the-app-knows.css"] {
        let (status, more) = bytes_of(&rig, path, "").await;
        assert_eq!(status, 503);
        bytes += more;
    }
    let traffic = || async { rig.proxy.traffic().await.unwrap().of_app(&shop()) };
    eventually("all is counted", || async {
        let app = traffic().await;
        app.bytes_out == bytes && app.requests() == 5
    })
    .await;
    let app = traffic().await;
    assert_eq!((app.responses, app.dropped), ([0, 2, 0, 0, 3], 2));
    let times = rig.proxy.times().await.unwrap().since(&Times::default());
    let latency = &times.apps[&shop()].latency;
    assert_eq!(latency.count(), 5);
    assert!(latency.quantile(1000).unwrap() >= 190, "that of the slow request");
}
