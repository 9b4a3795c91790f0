//! Members: one-time links, roles, and that somebody is always left who can manage people.

use anyhow::Context;
use slipway_core::id::SessionId;
use slipway_core::name::Email;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::auth::{Scope, User};
use slipway_store::{MemberError, NewInvitation, NewSession, NewToken, StoreError, clock, mint};

use crate::bench::Bench;

on_both_databases!(
    a_link_makes_a_member_once_and_only_in_time,
    of_many_who_use_one_link_at_once_one_joins,
    an_address_has_one_link,
    a_member_is_not_invited,
    a_revoked_link_is_gone,
    a_reset_changes_the_password_and_ends_every_session,
    a_role_bites_at_once_and_bounds_every_token,
    what_a_member_has_goes_with_them,
    what_an_admin_handed_out_goes_with_the_role,
    only_an_admin_hands_out_links,
    the_only_admin_stays,
    of_two_admins_who_demote_each_other_at_once_one_stays,
    of_many_admins_who_leave_at_once_one_stays,
);

const SOON: Millis = Millis::from_secs(600);

async fn person(bench: &Bench, name: &str, role: Scope) -> anyhow::Result<User> {
    Ok(bench.store.create_user(&address(name), "hash", role).await?)
}

fn address(name: &str) -> Email {
    format!("{name}@example.org").parse().unwrap()
}

fn link(by: &User, secret_hash: &str) -> NewInvitation {
    NewInvitation {
        secret_hash: secret_hash.to_owned(),
        invited_by: by.id.clone(),
        expires_at: clock::now() + SOON,
    }
}

async fn password_of(bench: &Bench, user: &User) -> anyhow::Result<String> {
    let account = bench.store.user_by_id(&user.id).await?;
    Ok(account.context("a member")?.password_hash)
}

async fn session(bench: &Bench, user: &User) -> anyhow::Result<SessionId> {
    let session = NewSession {
        id: mint::id(),
        user_id: user.id.clone(),
        password_hash: password_of(bench, user).await?,
        refresh_hash: mint::secret(),
        expires_at: clock::now() + SOON,
    };
    anyhow::ensure!(bench.store.create_session(&session).await?, "the password is right");
    Ok(session.id)
}

async fn whose(bench: &Bench, id: &SessionId) -> anyhow::Result<Option<User>> {
    Ok(bench.store.user_of_live_session(id, clock::now()).await?)
}

fn token(user: &User, hash: &str, scope: Scope) -> NewToken {
    NewToken {
        user_id: user.id.clone(),
        name: "ci".to_owned(),
        scope,
        app_id: None,
        secret_hash: hash.to_owned(),
        expires_at: None,
    }
}

async fn a_link_makes_a_member_once_and_only_in_time(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let ends = NewInvitation { expires_at: Timestamp(i64::MAX / 2), ..link(&ada, "h1") };
    let made = store.invite(&address("bob"), Scope::Deploy, &ends).await?;
    assert_eq!((&made.email, made.role, &made.user_id), (&address("bob"), Scope::Deploy, &None));
    assert_eq!(made.invited_by, ada.email);

    let late = ends.expires_at;
    assert_eq!(store.use_invitation("h1", "new", late).await?, None);
    assert_eq!(store.invitation_by_hash("h1", late).await?, None);
    assert_eq!(store.open_invitations(late).await?, []);
    let now = clock::now();
    assert_eq!(store.use_invitation("h2", "new", now).await?, None);
    assert_eq!(store.invitation_by_hash("h1", now).await?.as_ref(), Some(&made));
    assert_eq!(store.open_invitations(now).await?, [made]);

    let bob = store.use_invitation("h1", "new", now).await?.unwrap();
    assert_eq!((&bob.email, bob.role), (&address("bob"), Scope::Deploy));
    assert_eq!(store.user_by_id(&bob.id).await?.unwrap().password_hash, "new");
    assert_eq!(store.use_invitation("h1", "newer", now).await?, None);
    assert_eq!(store.open_invitations(now).await?, []);
    Ok(())
}

async fn of_many_who_use_one_link_at_once_one_joins(bench: Bench) -> anyhow::Result<()> {
    let ada = person(&bench, "ada", Scope::Admin).await?;
    bench.store.invite(&address("bob"), Scope::Read, &link(&ada, "h1")).await?;
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let store = bench.store.clone();
        uses.spawn(async move { store.use_invitation("h1", "new", clock::now()).await });
    }
    let mut joined = 0;
    while let Some(used) = uses.join_next().await {
        joined += usize::from(used??.is_some());
    }
    assert_eq!(joined, 1);
    assert_eq!(bench.store.users().await?.len(), 2);
    Ok(())
}

async fn an_address_has_one_link(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    store.invite(&address("bob"), Scope::Admin, &link(&ada, "h1")).await?;
    let second = store.invite(&address("bob"), Scope::Read, &link(&ada, "h2")).await?;
    assert_eq!(store.open_invitations(clock::now()).await?, [second]);
    assert_eq!(store.use_invitation("h1", "new", clock::now()).await?, None);
    let bob = store.use_invitation("h2", "new", clock::now()).await?.unwrap();
    assert_eq!(bob.role, Scope::Read);

    store.invite_to_reset(&bob.id, &link(&ada, "h3")).await?;
    store.invite_to_reset(&bob.id, &link(&ada, "h4")).await?;
    assert_eq!(store.invitation_by_hash("h3", clock::now()).await?, None);
    assert!(store.invitation_by_hash("h4", clock::now()).await?.is_some());
    Ok(())
}

async fn a_member_is_not_invited(bench: Bench) -> anyhow::Result<()> {
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let again = bench.store.invite(&ada.email, Scope::Read, &link(&ada, "h1")).await;
    assert!(
        matches!(again, Err(StoreError::Member(MemberError::AlreadyMember(email))) if email == ada.email)
    );
    let nobody = bench.store.invite_to_reset(&mint::id(), &link(&ada, "h1")).await?;
    assert_eq!(nobody, None);
    Ok(())
}

async fn a_revoked_link_is_gone(bench: Bench) -> anyhow::Result<()> {
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let made = bench.store.invite(&address("bob"), Scope::Read, &link(&ada, "h1")).await?;
    assert!(bench.store.revoke_invitation(&made.id).await?);
    assert!(!bench.store.revoke_invitation(&made.id).await?);
    assert_eq!(bench.store.use_invitation("h1", "new", clock::now()).await?, None);
    Ok(())
}

async fn a_reset_changes_the_password_and_ends_every_session(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Write).await?;
    let (of_ada, of_bob) = (session(&bench, &ada).await?, session(&bench, &bob).await?);
    let made = store.invite_to_reset(&bob.id, &link(&ada, "h1")).await?.unwrap();
    assert_eq!((made.role, made.user_id.as_ref()), (Scope::Write, Some(&bob.id)));
    assert_eq!(whose(&bench, &of_bob).await?.as_ref(), Some(&bob), "not before it is used");

    let used = store.use_invitation("h1", "new", clock::now()).await?;
    assert_eq!(used.as_ref(), Some(&bob), "the same person, with the same role");
    assert_eq!(store.user_by_id(&bob.id).await?.unwrap().password_hash, "new");
    assert_eq!(whose(&bench, &of_bob).await?, None);
    assert_eq!(whose(&bench, &of_ada).await?, Some(ada));
    assert_eq!(store.use_invitation("h1", "newer", clock::now()).await?, None);
    Ok(())
}

async fn a_role_bites_at_once_and_bounds_every_token(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Admin).await?;
    let of_bob = session(&bench, &bob).await?;
    let wide = store.create_token(token(&bob, "wide", Scope::Admin)).await?;
    store.create_token(token(&bob, "narrow", Scope::Read)).await?;
    let scope = async |hash: &str| -> anyhow::Result<Scope> {
        Ok(store.token_by_hash(hash, clock::now()).await?.unwrap().0.scope)
    };
    let demoted = store.change_role(&bob.id, Scope::Deploy).await?;
    assert_eq!(demoted, Some(User { role: Scope::Deploy, ..bob.clone() }));
    assert_eq!(whose(&bench, &of_bob).await?.unwrap().role, Scope::Deploy);
    assert_eq!((scope("wide").await?, scope("narrow").await?), (Scope::Deploy, Scope::Read));
    assert_eq!(store.token(&wide.id).await?.unwrap().scope, Scope::Deploy);
    store.change_role(&bob.id, Scope::Admin).await?;
    assert_eq!((scope("wide").await?, scope("narrow").await?), (Scope::Admin, Scope::Read));
    assert_eq!(store.change_role(&mint::id(), Scope::Read).await?, None);
    Ok(())
}

async fn what_a_member_has_goes_with_them(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Admin).await?;
    let of_bob = session(&bench, &bob).await?;
    store.create_token(token(&bob, "t1", Scope::Write)).await?;
    store.create_app(&"shop".parse()?, bob.email.as_str()).await?;
    store.invite_to_reset(&bob.id, &link(&ada, "h1")).await?;
    store.invite(&address("eve"), Scope::Admin, &link(&bob, "h2")).await?;

    assert!(store.remove_member(&bob.id).await?);
    assert!(!store.remove_member(&bob.id).await?);
    assert_eq!(whose(&bench, &of_bob).await?, None);
    assert_eq!(store.token_by_hash("t1", clock::now()).await?, None);
    assert_eq!(store.tokens(None).await?, []);
    assert_eq!(store.open_invitations(clock::now()).await?, []);
    assert_eq!(store.users().await?, [ada]);
    let events = serde_json::to_string(&store.events(None, 0, 10).await?)?;
    assert!(events.contains("bob@example.org"), "what they did stays: {events}");
    let again = store.create_user(&bob.email, "hash", Scope::Read).await?;
    assert_ne!(again.id, bob.id, "they may come back as somebody new");
    Ok(())
}

async fn what_an_admin_handed_out_goes_with_the_role(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Admin).await?;
    store.invite(&address("eve"), Scope::Admin, &link(&bob, "h1")).await?;
    let kept = store.invite(&address("carol"), Scope::Read, &link(&ada, "h2")).await?;
    store.change_role(&bob.id, Scope::Write).await?;
    assert_eq!(store.open_invitations(clock::now()).await?, [kept]);
    Ok(())
}

async fn only_an_admin_hands_out_links(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Write).await?;
    let invited = store.invite(&address("eve"), Scope::Read, &link(&bob, "h1")).await;
    assert!(matches!(invited, Err(StoreError::Stale)), "{invited:?}");
    let reset = store.invite_to_reset(&ada.id, &link(&bob, "h1")).await;
    assert!(matches!(reset, Err(StoreError::Stale)), "{reset:?}");
    let gone = User { id: mint::id(), ..bob };
    let invited = store.invite(&address("eve"), Scope::Read, &link(&gone, "h1")).await;
    assert!(matches!(invited, Err(StoreError::Stale)), "{invited:?}");
    assert_eq!(store.open_invitations(clock::now()).await?, []);
    Ok(())
}

async fn the_only_admin_stays(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Write).await?;
    let demoted = store.change_role(&ada.id, Scope::Write).await;
    assert!(
        matches!(&demoted, Err(StoreError::Member(MemberError::LastAdmin(email))) if *email == ada.email)
    );
    assert!(matches!(
        store.remove_member(&ada.id).await,
        Err(StoreError::Member(MemberError::LastAdmin(_)))
    ));
    assert!(store.change_role(&ada.id, Scope::Admin).await?.is_some(), "it is so already");
    store.change_role(&bob.id, Scope::Admin).await?;
    assert!(store.change_role(&ada.id, Scope::Read).await?.is_some());
    assert!(matches!(
        store.remove_member(&bob.id).await,
        Err(StoreError::Member(MemberError::LastAdmin(_)))
    ));
    assert!(store.remove_member(&ada.id).await?);
    Ok(())
}

async fn of_two_admins_who_demote_each_other_at_once_one_stays(bench: Bench) -> anyhow::Result<()> {
    // Two processes' worth of stores: nothing in memory may be what keeps them apart.
    let (here, there) = (&bench.store, bench.beside().await?);
    let ada = person(&bench, "ada", Scope::Admin).await?;
    let bob = person(&bench, "bob", Scope::Admin).await?;
    for _ in 0..10 {
        let (one, two) = tokio::join!(
            here.change_role(&ada.id, Scope::Write),
            there.change_role(&bob.id, Scope::Write)
        );
        let is_last = |result: &Result<_, StoreError>| {
            matches!(result, Err(StoreError::Member(MemberError::LastAdmin(_))))
        };
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert!(is_last(&one) != is_last(&two), "{one:?} {two:?}");
        here.change_role(&ada.id, Scope::Admin).await?;
        here.change_role(&bob.id, Scope::Admin).await?;
    }
    Ok(())
}

async fn of_many_admins_who_leave_at_once_one_stays(bench: Bench) -> anyhow::Result<()> {
    let stores = [bench.store.clone(), bench.beside().await?];
    let mut admins = Vec::new();
    for number in 0..6 {
        admins.push(person(&bench, &format!("admin{number}"), Scope::Admin).await?);
    }
    let mut leaving = tokio::task::JoinSet::new();
    for (number, admin) in admins.into_iter().enumerate() {
        let store = stores[number % 2].clone();
        leaving.spawn(async move { store.remove_member(&admin.id).await });
    }
    let mut refused = 0;
    while let Some(left) = leaving.join_next().await {
        match left? {
            Ok(was_there) => assert!(was_there),
            Err(StoreError::Member(MemberError::LastAdmin(_))) => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let left = bench.store.users().await?;
    assert_eq!((left.len(), left[0].role), (1, Scope::Admin));
    assert_eq!(refused, 1);
    Ok(())
}
