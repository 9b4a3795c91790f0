//! The pages of people, for those who manage them and for those who do not.

use slipway_core::id::{Id as _, InvitationId, UserId};
use slipway_core::time::Millis;
use slipway_core::wire::app::AppHealth;
use slipway_core::wire::auth::{Scope, User, WhoAmI};
use slipway_core::wire::config::{ConfigEntry, ConfigList};
use slipway_core::wire::member::{Invitation, InvitationKind, NewInvitation};

use super::fixtures::{NOW, answers, app, releases};
use super::{
    HOSTILE, assert_nothing_ran, count, releases_page, render, signed_in, signed_in_as, with_form,
};
use crate::pages::app::config::ConfigPage;
use crate::pages::app::settings::SettingsPage;
use crate::pages::join::JoinPage;
use crate::pages::members::removal::RemovalPage;
use crate::pages::members::{Answers, MembersPage};
use crate::pages::tokens::TokensPage;
use crate::view::app_head::{AppHead, Tab};
use crate::view::prose::sentence;

fn user(number: u128, name: &str, role: Scope) -> User {
    let email = format!("{name}@example.com").parse().unwrap();
    let created_at = NOW - Millis::from_secs(9 * 24 * 60 * 60);
    User { id: UserId::from_bits(number), email, role, created_at }
}

fn open(kind: InvitationKind, name: &str) -> Invitation {
    Invitation {
        id: InvitationId::from_bits(7),
        kind,
        email: format!("{name}@example.com").parse().unwrap(),
        role: Scope::Deploy,
        invited_by: "ada@example.com".parse().unwrap(),
        created_at: NOW - Millis::from_secs(3600),
        expires_at: NOW + Millis::from_secs(71 * 3600),
    }
}

fn made(kind: InvitationKind) -> NewInvitation {
    NewInvitation {
        invitation: open(kind, "alan"),
        token: "t0k3n".to_owned(),
        url: "http://localhost:8080/join#t0k3n".to_owned(),
    }
}

/// Ada, the only admin, and Grace, as one of them sees it.
fn seen_by(index: usize) -> Answers {
    let members = vec![user(1, "ada", Scope::Admin), user(2, "grace", Scope::Read)];
    let user = members[index].clone();
    let invitations = match user.role {
        Scope::Admin => vec![open(InvitationKind::Join, "alan")],
        Scope::Read | Scope::Deploy | Scope::Write => Vec::new(),
    };
    let me = WhoAmI { scope: user.role, user, token: None, app: None };
    Answers { me, members, invitations }
}

#[test]
fn an_admin_sees_the_link_once_and_manages_everybody_but_the_only_admin() {
    let page = MembersPage::new(seen_by(0), Some(made(InvitationKind::Join)), NOW);
    insta::assert_snapshot!("members", render(signed_in, &page));
    let html = render(signed_in, &MembersPage::new(seen_by(0), None, NOW));
    assert!(!html.contains("join#"), "another look does not show the link: {html}");
    let page = MembersPage::new(seen_by(0), Some(made(InvitationKind::PasswordReset)), NOW);
    assert!(render(signed_in, &page).contains("New password for <bdi>alan@example.com</bdi>"));
}

#[test]
fn a_reader_sees_who_is_there_and_may_leave() {
    let page = MembersPage::new(seen_by(1), None, NOW);
    insta::assert_snapshot!("members_for_a_reader", render(signed_in_as(Scope::Read), &page));
}

#[test]
fn of_two_admins_either_may_be_demoted_or_leave() {
    let mut answers = seen_by(0);
    answers.members[1].role = Scope::Admin;
    let html = render(signed_in, &MembersPage::new(answers, None, NOW));
    assert_eq!((count(&html, "/role\""), html.matches(">Leave</a>").count()), (2, 1), "{html}");
}

#[test]
fn a_removal_says_what_ends_and_what_stays() {
    let removal = |is_me| RemovalPage {
        id: UserId::from_bits(2).to_string(),
        email: "grace@example.com".to_owned(),
        is_me,
    };
    insta::assert_snapshot!("member_removal", render(signed_in, &removal(false)));
    assert!(render(signed_in, &removal(true)).contains("Leave this server"));
}

#[test]
fn joining_asks_for_the_link_and_a_password() {
    insta::assert_snapshot!("join", render(with_form, &JoinPage::default()));
    let refused = JoinPage {
        error: Some(sentence("the invitation is not valid")),
        hint: Some(sentence("ask who invited you for another one")),
    };
    let html = render(with_form, &refused);
    assert!(html.contains("Ask who invited you for another one."), "{html}");
}

#[test]
fn nothing_is_offered_to_a_reader_that_would_be_refused() {
    let settings = SettingsPage {
        head: AppHead::new(app("shop", AppHealth::Healthy), Tab::Settings, NOW),
        server: "http://localhost:8080".to_owned(),
        git_url: "http://localhost:8080/git/shop.git".to_owned(),
        branch: "main".to_owned(),
        mistyped: false,
    };
    let list = ConfigList {
        entries: vec![ConfigEntry {
            key: "COLOUR".parse().unwrap(),
            bytes: 4,
            updated_at: NOW,
            generated: false,
        }],
        etag: "tag".to_owned(),
    };
    let config = ConfigPage::new(answers().app, list, None, NOW);
    let releases = releases_page(releases());
    let tokens = |may| TokensPage::new(Vec::new(), None, may, NOW);
    for (offered, html, to_an_admin) in [
        ("Delete shop", render(signed_in_as(Scope::Read), &settings), render(signed_in, &settings)),
        (
            "Restart shop",
            render(signed_in_as(Scope::Read), &settings),
            render(signed_in, &settings),
        ),
        ("Roll back<", render(signed_in_as(Scope::Read), &releases), render(signed_in, &releases)),
        (">Edit</a>", render(signed_in_as(Scope::Read), &config), render(signed_in, &config)),
        ("Reveal<", render(signed_in_as(Scope::Read), &config), render(signed_in, &config)),
        (
            "value=\"write\"",
            render(signed_in_as(Scope::Read), &tokens(Scope::Read)),
            render(signed_in, &tokens(Scope::Admin)),
        ),
    ] {
        assert!(!html.contains(offered), "{offered}: {html}");
        assert!(to_an_admin.contains(offered), "{offered}: {to_an_admin}");
    }
    let html = render(signed_in_as(Scope::Read), &tokens(Scope::Read));
    assert!(html.contains("value=\"read\" checked"), "what is left is chosen: {html}");
}

#[test]
fn a_hostile_error_shows_as_text() {
    let page = JoinPage { error: Some(sentence(HOSTILE)), hint: None };
    let html = render(with_form, &page);
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 1, "{html}");
    assert_nothing_ran(&html);
}
