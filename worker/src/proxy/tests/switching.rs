//! Switching members: what makes a deploy invisible.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::ProxyError;
use super::backend::Backend;
use super::client::{Client, Response};
use super::rig::{HOST, Rig, eventually, shop};

/// What one visitor experienced.
#[derive(Default)]
struct Experience {
    answered: usize,
    /// The ids of the posts that were answered.
    ids: Vec<String>,
}

/// Visits until `stop`; any answer but 200, or a broken connection, is a panic.
async fn visit(rig: Arc<Rig>, visitor: usize, kind: Kind, stop: Arc<AtomicBool>) -> Experience {
    let mut experience = Experience::default();
    let mut client = rig.client().await;
    while !stop.load(Ordering::Relaxed) {
        if matches!(kind, Kind::NewConnections) {
            client = rig.client().await;
        }
        let id = format!("{visitor}-{}", experience.answered);
        let response = match kind {
            Kind::NewConnections | Kind::KeepAlive => client.get(HOST, "/slow/3").await,
            Kind::Posts => post(&mut client, &id).await,
        };
        let response = response.expect("the connection stays");
        assert_eq!(response.status(), 200, "{}", response.body);
        experience.answered += 1;
        if matches!(kind, Kind::Posts) {
            experience.ids.push(id);
        }
    }
    experience
}

#[derive(Clone, Copy)]
enum Kind {
    NewConnections,
    KeepAlive,
    Posts,
}

async fn post(client: &mut Client, id: &str) -> Option<Response> {
    client
        .send(&format!(
            "POST /slow/3 HTTP/1.1\r\nHost: {HOST}\r\nX-Id: {id}\r\nContent-Length: 2\r\n\r\nhi"
        ))
        .await;
    client.receive().await
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_members_under_load_loses_no_request_and_reloads_nothing() {
    let rig = Arc::new(Rig::start().await);
    let sets = [
        [Backend::start(1).await, Backend::start(2).await],
        [Backend::start(3).await, Backend::start(4).await],
    ];
    rig.set(&[&sets[0][0], &sets[0][1]]).await;
    let workers = rig.workers();
    let stop = Arc::new(AtomicBool::new(false));
    let visitors: Vec<_> = [Kind::NewConnections, Kind::KeepAlive, Kind::Posts]
        .into_iter()
        .cycle()
        .take(12)
        .enumerate()
        .map(|(number, kind)| tokio::spawn(visit(rig.clone(), number, kind, stop.clone())))
        .collect();
    for round in 1..=20 {
        let (new, old) = (&sets[round % 2], &sets[(round + 1) % 2]);
        rig.set(&[&new[0], &new[1]]).await;
        for gone in old {
            eventually("the old members finish", || async {
                let traffic = rig.proxy.traffic().await.unwrap();
                traffic.in_flight(&gone.member.instance) == Some(0)
            })
            .await;
        }
        let quiet = old.each_ref().map(Backend::requests);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(old.each_ref().map(Backend::requests), quiet, "drained means drained");
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    let mut sent = Vec::new();
    for visitor in visitors {
        let experience = visitor.await.unwrap();
        answered += experience.answered;
        sent.extend(experience.ids);
    }
    assert!(answered > 500, "only {answered} requests: no load to speak of");
    let mut arrived: BTreeMap<String, u32> = BTreeMap::new();
    for (id, count) in sets.iter().flatten().flat_map(Backend::ids) {
        *arrived.entry(id).or_default() += count;
    }
    sent.sort();
    assert_eq!(arrived.keys().cloned().collect::<Vec<_>>(), sent);
    assert!(arrived.values().all(|count| *count == 1), "a post arrived twice");
    assert_eq!(rig.workers(), workers, "nothing was reloaded");
    let app = rig.proxy.traffic().await.unwrap().of_app(&shop());
    assert_eq!((app.dropped, app.failures, app.server_errors()), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_takes_milliseconds() {
    let rig = Rig::start().await;
    let (first, second) = (Backend::start(1).await, Backend::start(2).await);
    let mut times = Vec::new();
    for round in 0..20 {
        let began = Instant::now();
        rig.set(&[if round % 2 == 0 { &first } else { &second }]).await;
        times.push(began.elapsed());
    }
    times.sort();
    assert!(times[10] < Duration::from_millis(50), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_is_what_is_read_back() {
    let rig = Rig::start().await;
    let (first, second) = (Backend::start(2).await, Backend::start(1).await);
    rig.set(&[&first, &second]).await;
    let mut expected = vec![first.member.clone(), second.member.clone()];
    expected.sort();
    assert_eq!(rig.proxy.members().await.unwrap(), [(shop(), expected)].into());
    rig.set(&[]).await;
    assert!(rig.proxy.members().await.unwrap().is_empty());
    assert_eq!(rig.get("/").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_was_replaced_changes_nothing() {
    let rig = Rig::start().await;
    let (old, new) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&old]).await;
    let successor = rig.reopened();
    successor.set_members(&shop(), std::slice::from_ref(&new.member)).await.unwrap();
    let error =
        rig.proxy.set_members(&shop(), std::slice::from_ref(&old.member)).await.unwrap_err();
    assert!(matches!(error, ProxyError::Stale), "{error}");
    assert_eq!(rig.get("/").await.body, new.name());
    let after = rig.reopened().members().await.unwrap();
    assert_eq!(after[&shop()], std::slice::from_ref(&new.member));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_in_the_middle_can_set_members_again() {
    let rig = Rig::start().await;
    let (first, second) = (Backend::start(1).await, Backend::start(2).await);
    let app = shop();
    for round in 0..40_u64 {
        let backend = if round % 2 == 0 { &first } else { &second };
        let members = [backend.member.clone()];
        let set = rig.proxy.set_members(&app, &members);
        let _ = tokio::time::timeout(Duration::from_micros(round * 50), set).await;
    }
    rig.set(&[&first]).await;
    assert_eq!(rig.get("/").await.body, first.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_itself_refuses_an_older_generation() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    rig.set(&[]).await;
    rig.set(&[&backend]).await;
    let path = format!("/members/{}", shop());
    let late = rig.proxy.control.put(&path, 2, "").await.unwrap();
    assert_eq!((late.status, late.body.as_str()), (409, "stale\n"));
    assert_eq!(rig.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_set_while_nginx_is_down_are_an_error_and_hold_once_it_is_up() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.proxy.shutdown().await.unwrap();
    let members = [backend.member.clone()];
    let error = rig.proxy.set_members(&shop(), &members).await.unwrap_err();
    assert!(matches!(error, ProxyError::Unreachable(_)), "{error}");
    rig.proxy.ensure_running().await.unwrap();
    assert_eq!(rig.get("/").await.status(), 200);
    rig.proxy.set_members(&shop(), &members).await.unwrap();
}
