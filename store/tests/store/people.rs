use slipway_core::id::SessionId;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::auth::{Scope, User};
use slipway_store::{MemberError, NewSession, NewToken, Rotated, StoreError, clock, mint};

use crate::bench::Bench;

on_both_databases!(
    a_claim_token_makes_one_admin_and_no_second,
    of_many_claims_at_once_one_succeeds,
    only_the_newest_claim_token_works_and_only_in_time,
    an_address_belongs_to_one_person,
    a_refresh_token_works_once,
    a_refresh_token_that_comes_back_ends_its_session,
    of_two_who_trade_one_refresh_token_one_ends_the_session,
    an_ended_session_is_nobodys,
    a_changed_password_ends_the_other_sessions,
    no_session_outlives_the_password_that_opened_it,
    an_api_token_is_its_owners_until_it_ends,
    a_token_for_one_app_goes_with_the_app,
);

const SOON: Millis = Millis::from_secs(600);

async fn ada(bench: &Bench) -> anyhow::Result<User> {
    Ok(bench.store.create_user(&"ada@example.org".parse()?, "hash", Scope::Admin).await?)
}

async fn session(bench: &Bench, user: &User, refresh: &str) -> anyhow::Result<SessionId> {
    let session = NewSession {
        id: mint::id(),
        user_id: user.id.clone(),
        password_hash: "hash".to_owned(),
        refresh_hash: refresh.to_owned(),
        expires_at: clock::now() + SOON,
    };
    assert!(bench.store.create_session(&session).await?, "the password is right");
    Ok(session.id)
}

async fn rotate(bench: &Bench, from: &str, to: &str) -> Result<Rotated, StoreError> {
    let now = clock::now();
    bench.store.rotate_session(from, to, now + SOON, now).await
}

async fn whose(bench: &Bench, id: &SessionId) -> anyhow::Result<Option<User>> {
    Ok(bench.store.user_of_live_session(id, clock::now()).await?)
}

async fn a_claim_token_makes_one_admin_and_no_second(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let now = clock::now();
    assert!(!store.is_claimed().await?);
    store.issue_claim("good", now + SOON).await?;
    let (ada, eve) = ("ada@example.org".parse()?, "eve@example.org".parse()?);
    assert_eq!(store.use_claim("bad", &eve, "hash", now).await?, None);
    let user = store.use_claim("good", &ada, "hash", now).await?.unwrap();
    assert_eq!((user.email.clone(), user.role), (ada, Scope::Admin));
    assert!(store.is_claimed().await?);
    assert_eq!(store.use_claim("good", &eve, "hash", now).await?, None);

    store.issue_claim("another", now + SOON).await?;
    assert_eq!(store.use_claim("another", &eve, "hash", now).await?, None, "it is taken");
    assert_eq!(store.users().await?, [user]);
    Ok(())
}

async fn of_many_claims_at_once_one_succeeds(bench: Bench) -> anyhow::Result<()> {
    let now = clock::now();
    bench.store.issue_claim("good", now + SOON).await?;
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..6 {
        let store = bench.store.clone();
        let email = format!("user{number}@example.org").parse()?;
        claims.spawn(async move { store.use_claim("good", &email, "hash", now).await });
    }
    let mut admins = 0;
    while let Some(claimed) = claims.join_next().await {
        admins += usize::from(claimed??.is_some());
    }
    assert_eq!(admins, 1);
    assert_eq!(bench.store.users().await?.len(), 1);
    Ok(())
}

async fn only_the_newest_claim_token_works_and_only_in_time(bench: Bench) -> anyhow::Result<()> {
    let ada = "ada@example.org".parse()?;
    bench.store.issue_claim("older", Timestamp(1_000)).await?;
    bench.store.issue_claim("newer", Timestamp(1_000)).await?;
    let claim = async |hash, now| bench.store.use_claim(hash, &ada, "hash", Timestamp(now)).await;
    assert_eq!(claim("older", 500).await?, None);
    assert_eq!(claim("newer", 1_000).await?, None);
    assert!(claim("newer", 999).await?.is_some());
    Ok(())
}

async fn an_address_belongs_to_one_person(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let again = bench.store.create_user(&user.email, "other", Scope::Read).await;
    assert!(matches!(again, Err(StoreError::Member(MemberError::EmailTaken(_)))));
    let account = bench.store.user_by_email(&user.email).await?.unwrap();
    assert_eq!((&account.user, account.password_hash.as_str()), (&user, "hash"));
    assert_eq!(bench.store.user_by_id(&user.id).await?.unwrap().user, user);
    Ok(())
}

async fn a_refresh_token_works_once(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let id = session(&bench, &user, "r1").await?;
    assert_eq!(rotate(&bench, "stranger", "r2").await?, Rotated::Unknown);
    let expected = Rotated::Renewed { session_id: id.clone(), user: user.clone() };
    assert_eq!(rotate(&bench, "r1", "r2").await?, expected);
    assert_eq!(rotate(&bench, "r2", "r3").await?, expected);
    assert_eq!(whose(&bench, &id).await?, Some(user));
    Ok(())
}

async fn a_refresh_token_that_comes_back_ends_its_session(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let id = session(&bench, &user, "r1").await?;
    let other = session(&bench, &user, "o1").await?;
    rotate(&bench, "r1", "r2").await?;
    let reused = rotate(&bench, "r1", "stolen").await?;
    assert_eq!(reused, Rotated::Reused { session_id: id.clone() });
    assert_eq!(whose(&bench, &id).await?, None);
    assert_eq!(rotate(&bench, "r2", "r3").await?, Rotated::Unknown, "nor does the good one work");
    assert_eq!(whose(&bench, &other).await?, Some(user), "others are left alone");
    Ok(())
}

async fn of_two_who_trade_one_refresh_token_one_ends_the_session(
    bench: Bench,
) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let id = session(&bench, &user, "r1").await?;
    let (one, two) = tokio::join!(rotate(&bench, "r1", "a"), rotate(&bench, "r1", "b"));
    let (one, two) = (one?, two?);
    let reused = |rotated: &Rotated| matches!(rotated, Rotated::Reused { .. });
    assert!(reused(&one) != reused(&two), "{one:?} {two:?}");
    assert_eq!(whose(&bench, &id).await?, None);
    Ok(())
}

async fn an_ended_session_is_nobodys(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let id = session(&bench, &user, "r1").await?;
    let late = clock::now() + SOON + SOON;
    assert_eq!(bench.store.user_of_live_session(&id, late).await?, None, "it expires");
    let rotated = bench.store.rotate_session("r1", "r2", late + SOON, late).await?;
    assert_eq!(rotated, Rotated::Unknown);
    bench.store.revoke_session(&id).await?;
    bench.store.revoke_session(&id).await?;
    assert_eq!(whose(&bench, &id).await?, None);
    assert_eq!(bench.store.delete_sessions_before(late).await?, 1);
    Ok(())
}

async fn a_changed_password_ends_the_other_sessions(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let (here, there) = (session(&bench, &user, "r1").await?, session(&bench, &user, "r2").await?);
    bench.store.set_password(&user.id, "new", Some(&here)).await?;
    assert_eq!(whose(&bench, &here).await?, Some(user.clone()));
    assert_eq!(whose(&bench, &there).await?, None);
    assert_eq!(bench.store.user_by_id(&user.id).await?.unwrap().password_hash, "new");
    bench.store.set_password(&user.id, "newer", None).await?;
    assert_eq!(whose(&bench, &here).await?, None);
    Ok(())
}

async fn no_session_outlives_the_password_that_opened_it(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let mut stored = "hash".to_owned();
    for round in 0..16 {
        let opened = NewSession {
            id: mint::id(),
            user_id: user.id.clone(),
            password_hash: stored,
            refresh_hash: mint::secret(),
            expires_at: clock::now() + SOON,
        };
        stored = format!("hash {round}");
        let change = bench.store.set_password(&user.id, &stored, None);
        let (began, changed) = tokio::join!(bench.store.create_session(&opened), change);
        changed?;
        began?;
        assert_eq!(whose(&bench, &opened.id).await?, None);
        assert!(!bench.store.create_session(&opened).await?, "its password is another one by now");
    }
    Ok(())
}

fn token(user: &User, hash: &str) -> NewToken {
    NewToken {
        user_id: user.id.clone(),
        name: "ci".to_owned(),
        scope: Scope::Deploy,
        app_id: None,
        secret_hash: hash.to_owned(),
        expires_at: None,
    }
}

async fn an_api_token_is_its_owners_until_it_ends(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let user = ada(&bench).await?;
    let made = store.create_token(token(&user, "h1")).await?;
    let ends = NewToken { expires_at: Some(Timestamp(1_000)), ..token(&user, "h2") };
    store.create_token(ends).await?;

    let found = store.token_by_hash("h1", clock::now()).await?;
    assert_eq!(found, Some((made.clone(), user.clone())));
    assert!(store.token_by_hash("h2", Timestamp(999)).await?.is_some());
    assert_eq!(store.token_by_hash("h2", Timestamp(1_000)).await?, None);
    assert_eq!(store.token_by_hash("h3", clock::now()).await?, None);
    store.touch_token(&made.id, Timestamp(5)).await?;
    assert_eq!(store.token(&made.id).await?.unwrap().last_used_at, Some(Timestamp(5)));
    assert_eq!(store.tokens(Some(&user.id)).await?, store.tokens(None).await?);
    assert_eq!(store.tokens(None).await?.len(), 2);

    assert!(store.revoke_token(&made.id).await?);
    assert!(!store.revoke_token(&made.id).await?);
    assert_eq!(store.token_by_hash("h1", clock::now()).await?, None);
    Ok(())
}

async fn a_token_for_one_app_goes_with_the_app(bench: Bench) -> anyhow::Result<()> {
    let user = ada(&bench).await?;
    let app = bench.app("shop").await?;
    let limited = NewToken { app_id: Some(app.id.clone()), ..token(&user, "h1") };
    let made = bench.store.create_token(limited).await?;
    assert_eq!((made.app_id.as_ref(), made.app.as_ref()), (Some(&app.id), Some(&app.name)));
    bench.store.tombstone_app(&app.id, "ada").await?;
    bench.store.forget_app(&app.id).await?;
    assert_eq!(bench.store.token_by_hash("h1", clock::now()).await?, None);
    Ok(())
}
