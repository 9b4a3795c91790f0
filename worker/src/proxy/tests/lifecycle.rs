//! Starting, adopting, reloading and losing nginx.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::super::generation::Generation;
use super::super::render::CONF;
use super::super::{ProxyConfig, ProxyError};
use super::backend::Backend;
use super::client::Client;
use super::rig::{HOST, Rig, app, eventually, free_address, shop, shop_site, site};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_installation_comes_up_and_knows_nobody() {
    let rig = Rig::prepare(|_| {});
    rig.proxy.ensure_running().await.unwrap();
    assert_eq!(rig.get("/").await.status(), 404);
    assert!(rig.proxy.members().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_slipway_adopts_the_nginx_it_finds() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let (master, workers) = (rig.proxy.nginx.master(), rig.workers());
    let successor = rig.reopened();
    successor.ensure_running().await.unwrap();
    successor.apply(&ProxyConfig { sites: vec![shop_site()] }).await.unwrap();
    assert_eq!((rig.proxy.nginx.master(), rig.workers()), (master, workers));
    assert_eq!(rig.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_has_a_session_of_its_own() {
    let rig = Rig::start().await;
    let master = rig.proxy.nginx.master().unwrap();
    assert!(super::super::process::is_in_session(master, master));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_serves_with_the_members_of_before() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    rig.proxy.nginx.kill();
    eventually("nginx is gone", || async { rig.proxy.nginx.master().is_none() }).await;
    rig.reopened().ensure_running().await.unwrap();
    assert_eq!(rig.get("/").await.body, backend.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_master_is_replaced_within_two_seconds() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut under_way = rig.client().await;
    under_way.send(&format!("GET /slow/400 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    eventually("the request arrives", || async { backend.requests() == 1 }).await;
    rig.kill_master();
    eventually("the master is gone", || async { rig.proxy.nginx.master().is_none() }).await;
    let began = Instant::now();
    rig.proxy.ensure_running().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(rig.get("/").await.body, backend.name());
    let response = under_way.receive().await.expect("a worker of the killed master finishes");
    assert_eq!(response.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervised_nginx_comes_back_by_itself_and_outlives_its_supervisor() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let cancel = CancellationToken::new();
    let killed = async {
        let before = rig.proxy.nginx.master();
        rig.proxy.nginx.kill();
        let began = Instant::now();
        eventually("it runs again", || async {
            rig.proxy.nginx.master().is_some_and(|master| Some(master) != before)
        })
        .await;
        assert_eq!(rig.get("/").await.status(), 200);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        cancel.cancel();
    };
    tokio::join!(rig.proxy.supervise(&cancel), killed);
    assert_eq!(rig.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_takes_its_requests_in_flight_with_it() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    client.send(&format!("GET /slow/5000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    let in_flight =
        || async { rig.proxy.traffic().await.unwrap().in_flight(&backend.member.instance) };
    eventually("it is counted", || async { in_flight().await == Some(1) }).await;
    for worker in rig.workers() {
        super::super::nginx::signal(worker, rustix::process::Signal::KILL);
    }
    eventually("it is forgotten", || async { in_flight().await == Some(0) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_the_same_sites_again_changes_nothing() {
    let rig = Rig::start().await;
    let config = ProxyConfig { sites: vec![shop_site()] };
    let workers = rig.workers();
    let first = rig.proxy.apply(&config).await.unwrap();
    assert_eq!(rig.proxy.apply(&config).await.unwrap(), first);
    assert_eq!(rig.workers(), workers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_site_is_served_on_every_new_connection_once_applied() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    rig.proxy.set_members(&app(2), std::slice::from_ref(&backend.member)).await.unwrap();
    for (round, name) in ["a.localhost", "b.localhost", "c.localhost"].into_iter().enumerate() {
        let config = ProxyConfig { sites: vec![shop_site(), site(2, &[name])] };
        rig.proxy.apply(&config).await.unwrap();
        for _ in 0..50 {
            let response = rig.client().await.get(name, "/").await.unwrap();
            assert_eq!(response.status(), 200, "round {round}");
        }
    }
    assert_eq!(rig.get("/").await.status(), 200, "members outlive reloads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_site_is_named_and_what_was_served_is_served_on() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let before = rig.proxy.generations().current().unwrap();
    let config = ProxyConfig { sites: vec![shop_site(), site(7, &["broken.localhost"])] };
    let generation = rig.proxy.generations().next().unwrap();
    let mut files = rig.proxy.render(&config, generation).unwrap();
    files[0].1 = files[0].1.replace("broken.localhost;", "broken.localhost; nonsense on;");
    assert_eq!(files[0].0, CONF);
    let error = rig.proxy.apply_files(generation, &files).await.unwrap_err();
    assert!(
        matches!(&error, ProxyError::Refused { site: Some(site) } if *site == app(7)),
        "{error}"
    );
    assert!(!error.to_string().contains("nonsense"), "nginx's own words stay in the log");
    assert_eq!(rig.proxy.generations().current(), Some(before));
    assert_eq!(rig.get("/").await.body, backend.name());
    rig.proxy.apply(&ProxyConfig { sites: vec![shop_site()] }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_nginx_does_not_take_over_is_taken_back() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let before = rig.proxy.generations().current().unwrap();
    // `nginx -t` does not mind an address that is taken; the reload does.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("listen {};", rig.address);
    let both = format!("{listen} listen {};", taken.local_addr().unwrap());
    let generation = rig.proxy.generations().next().unwrap();
    let config = ProxyConfig { sites: vec![shop_site()] };
    let mut files = rig.proxy.render(&config, generation).unwrap();
    files[0].1 = files[0].1.replace(&listen, &both);
    let error = rig.proxy.apply_files(generation, &files).await.unwrap_err();
    assert!(matches!(error, ProxyError::NotApplied(failed) if failed == generation), "{error}");
    assert_eq!(rig.proxy.generations().current(), Some(before));
    assert_eq!(rig.get("/").await.body, backend.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_goes_back_to_what_it_served_last_when_it_cannot_start_with_the_newest() {
    let rig = Rig::start().await;
    let generations = rig.proxy.generations();
    let (good, bad) = (generations.current().unwrap(), Generation(99));
    generations.stage(bad, &vec![(CONF, "nonsense;".to_owned())]).unwrap();
    generations.point_current(bad).unwrap();
    rig.proxy.nginx.kill();
    eventually("nginx is gone", || async { rig.proxy.nginx.workers().is_empty() }).await;
    rig.proxy.ensure_running().await.unwrap();
    assert_eq!(generations.current(), Some(good));
    assert_eq!(rig.get("/").await.status(), 503, "the site is known again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_file_nobody_can_read_costs_members_and_not_the_start() {
    let rig = Rig::prepare(|_| {});
    std::fs::write(rig.proxy.layout.members(), "\0\0\0").unwrap();
    let proxy = rig.reopened();
    proxy.apply(&ProxyConfig { sites: vec![shop_site()] }).await.unwrap();
    let backend = Backend::start(1).await;
    proxy.set_members(&shop(), std::slice::from_ref(&backend.member)).await.unwrap();
    assert_eq!(rig.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_run_side_by_side() {
    let (first, second) = (Rig::start().await, Rig::start().await);
    let (left, right) = (Backend::start(1).await, Backend::start(2).await);
    first.set(&[&left]).await;
    second.set(&[&right]).await;
    assert_eq!(first.get("/").await.body, left.name());
    assert_eq!(second.get("/").await.body, right.name());
    first.proxy.shutdown().await.unwrap();
    assert_eq!(second.get("/").await.body, right.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_finishes_requests_and_leaves_nothing() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    client.send(&format!("GET /slow/500 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    eventually("the request arrives", || async { backend.requests() == 1 }).await;
    rig.proxy.shutdown().await.unwrap();
    assert_eq!(client.receive().await.unwrap().status(), 200);
    assert!(rig.proxy.nginx.master().is_none() && rig.proxy.nginx.workers().is_empty());
    rig.proxy.shutdown().await.expect("not running is success");
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_cannot_pile_up_old_workers_for_ever() {
    let rig = Rig::start_with(|settings| {
        settings.drain = slipway_core::time::Millis(0);
        settings.worker_processes = NonZeroU16::new(1);
    })
    .await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut sockets: Vec<Client> = Vec::new();
    for round in 0..5_u128 {
        let mut client = rig.client().await;
        client
            .send(&format!(
                "GET /echo HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\n\r\n"
            ))
            .await;
        assert_eq!(client.receive_head().await.unwrap().status(), 101);
        sockets.push(client);
        let extra = site(10 + round, &[&format!("r{round}.localhost")]);
        rig.proxy.apply(&ProxyConfig { sites: vec![shop_site(), extra] }).await.unwrap();
        assert!(rig.proxy.nginx.workers().len() <= 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_an_error_that_says_where_to_read() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rig = Rig::prepare(|settings| settings.listen = vec![taken.local_addr().unwrap()]);
    let error = rig.proxy.ensure_running().await.unwrap_err();
    assert!(
        matches!(&error, ProxyError::NotStarted { log } if log.ends_with("error.log")),
        "{error}"
    );
    drop(taken);
    rig.proxy.ensure_running().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_another_user_serve_as_well() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can change users
    }
    let rig =
        Rig::start_with(|settings| settings.worker_user = Some("www-data".parse().unwrap())).await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let body = "x".repeat(300_000); // more than fits in memory: a temporary file
    let mut client = rig.client().await;
    let length = body.len();
    client
        .send(&format!(
            "POST /length HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
        .await;
    assert_eq!(client.receive().await.unwrap().body, length.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_apps_with_five_names_each_are_reloaded_in_a_second() {
    let rig = Rig::start_with(|settings| settings.listen.push(free_address())).await;
    let sites = |round: u128| {
        (0..500)
            .map(|number| {
                let names: Vec<String> =
                    (0..5).map(|n| format!("a{number}-{n}-{round}.example.com")).collect();
                site(number, &names.iter().map(String::as_str).collect::<Vec<_>>())
            })
            .collect()
    };
    rig.proxy.apply(&ProxyConfig { sites: sites(1) }).await.unwrap();
    let began = Instant::now();
    rig.proxy.apply(&ProxyConfig { sites: sites(2) }).await.unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}, also on a busy machine");
    eprintln!("500 apps with 5 names: {took:?}");
    let response = rig.client().await.get("a499-4-2.example.com", "/").await.unwrap();
    assert_eq!(response.status(), 503, "known, without members");
}
