//! The people who share the server: who they are, what they may do, and inviting more.

pub mod removal;

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::{InvitationId, UserId};
use slipway_core::name::Email;
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{Scope, User, WhoAmI};
use slipway_core::wire::member::{
    Invitation, InvitationKind, InviteRequest, NewInvitation, RoleChange,
};

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::pages::tokens::{ScopeChoice, choices};
use crate::templates::View;
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

/// The members, the links that were not used yet, the one that was just made, and the form for one
/// more.
#[derive(Debug, Serialize)]
pub struct MembersPage {
    members: Vec<MemberRow>,
    invitations: Vec<InvitationRow>,
    made: Option<MadeLink>,
    roles: Vec<ScopeChoice>,
    form: InviteForm,
    refusal: Option<Refusal>,
}

#[derive(Debug, Serialize)]
struct MemberRow {
    id: String,
    email: String,
    role: &'static str,
    joined: Moment,
    /// Whether it is the person who looks.
    is_me: bool,
    /// Whether the person who looks may change the role.
    may_change: bool,
    /// Whether the person who looks may remove them, or leave.
    may_go: bool,
}

#[derive(Debug, Serialize)]
struct InvitationRow {
    id: String,
    email: String,
    role: &'static str,
    /// Whether it is for a new password.
    resets: bool,
    by: String,
    made: Moment,
    ends: Moment,
}

#[derive(Debug, Serialize)]
struct MadeLink {
    email: String,
    role: &'static str,
    resets: bool,
    url: String,
    ends: Moment,
}

/// What the API says, for [`MembersPage`].
pub struct Answers {
    pub me: WhoAmI,
    pub members: Vec<User>,
    /// None for people who may not see them.
    pub invitations: Vec<Invitation>,
}

impl MembersPage {
    pub fn new(answers: Answers, made: Option<NewInvitation>, now: Timestamp) -> Self {
        let Answers { me, members, invitations } = answers;
        let admins = members.iter().filter(|member| member.role == Scope::Admin).count();
        let row = |member: User| {
            let is_me = member.id == me.user.id;
            let is_only_admin = member.role == Scope::Admin && admins == 1;
            let manages = me.scope == Scope::Admin;
            MemberRow {
                id: member.id.to_string(),
                email: member.email.to_string(),
                role: member.role.as_str(),
                joined: Moment::new(member.created_at, now),
                is_me,
                may_change: manages && !is_only_admin,
                may_go: (manages || is_me) && !is_only_admin,
            }
        };
        Self {
            members: members.into_iter().map(row).collect(),
            invitations: invitations.iter().map(|open| open_row(open, now)).collect(),
            made: made.map(|made| made_link(made, now)),
            roles: choices(Scope::Admin),
            form: InviteForm { email: String::new(), role: Scope::Deploy },
            refusal: None,
        }
    }

    /// The same with this in its form, and what speaks against it.
    #[must_use]
    pub fn with_form(self, form: InviteForm, refusal: Refusal) -> Self {
        Self { form, refusal: Some(refusal), ..self }
    }
}

fn open_row(open: &Invitation, now: Timestamp) -> InvitationRow {
    InvitationRow {
        id: open.id.to_string(),
        email: open.email.to_string(),
        role: open.role.as_str(),
        resets: open.kind == InvitationKind::PasswordReset,
        by: open.invited_by.to_string(),
        made: Moment::new(open.created_at, now),
        ends: Moment::new(open.expires_at, now),
    }
}

fn made_link(made: NewInvitation, now: Timestamp) -> MadeLink {
    let InvitationRow { email, role, resets, ends, .. } = open_row(&made.invitation, now);
    MadeLink { email, role, resets, url: made.url, ends }
}

impl View for MembersPage {
    const TEMPLATE: &'static str = "members.html";
}

/// What somebody typed.
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteForm {
    email: String,
    role: Scope,
}

#[derive(Deserialize)]
pub struct RoleForm {
    role: Scope,
}

/// The form has nothing but its token: the address says it all.
#[derive(Deserialize)]
pub struct BareForm {}

/// Shows the members.
pub async fn show(mut visit: Visit) -> Response {
    let page = load(&mut visit, None).await;
    visit.answer(page)
}

async fn load(
    visit: &mut Visit,
    made: Option<NewInvitation>,
) -> Result<Page<MembersPage>, Failure> {
    let (me, members, status) =
        visit
            .ask(|client| async move {
                tokio::try_join!(client.me(), client.members(), client.status())
            })
            .await?;
    let invitations = if me.scope == Scope::Admin {
        visit.ask(|client| async move { client.invitations().await }).await?
    } else {
        Vec::new()
    };
    let view = MembersPage::new(Answers { me, members, invitations }, made, status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// Invites somebody, and shows the link, which nothing else will.
pub async fn invite(mut visit: Visit, Guarded(form): Guarded<InviteForm>) -> Response {
    let page = match make(&mut visit, &form).await.map_err(Failure::into_refusal) {
        Ok(made) => load(&mut visit, Some(made)).await,
        Err(Ok(refusal)) => {
            let page = load(&mut visit, None).await;
            page.map(|page| Page { view: page.view.with_form(form, refusal), ..page })
        }
        Err(Err(failure)) => Err(failure),
    };
    visit.answer(page)
}

async fn make(visit: &mut Visit, form: &InviteForm) -> Result<NewInvitation, Failure> {
    let refuse = |_| Failure::UnreadableForm("this is no address".to_owned());
    let email: Email = form.email.trim().parse().map_err(refuse)?;
    let request = InviteRequest { email, role: form.role };
    visit
        .ask(|client| {
            let request = request.clone();
            async move { client.invite(&request).await }
        })
        .await
}

/// Makes a link for a new password, and shows it, which nothing else will.
pub async fn reset(mut visit: Visit, Path(id): Path<String>, _: Guarded<BareForm>) -> Response {
    let page = make_reset(&mut visit, &id).await;
    visit.answer(page)
}

async fn make_reset(visit: &mut Visit, id: &str) -> Result<Page<MembersPage>, Failure> {
    let id = named(id)?;
    let made = visit
        .ask(|client| {
            let id = id.clone();
            async move { client.reset_password(&id).await }
        })
        .await?;
    load(visit, Some(made)).await
}

/// Gives a member another role.
pub async fn change_role(
    mut visit: Visit,
    Path(id): Path<String>,
    Guarded(form): Guarded<RoleForm>,
) -> Response {
    let to = set_role(&mut visit, &id, form.role).await;
    visit.lead(to)
}

async fn set_role(visit: &mut Visit, id: &str, role: Scope) -> Result<String, Failure> {
    let id = named(id)?;
    visit
        .ask(|client| {
            let id = id.clone();
            async move { client.change_role(&id, RoleChange { role }).await }
        })
        .await?;
    Ok("/members".to_owned())
}

/// Makes a link useless that was not used yet.
pub async fn revoke(mut visit: Visit, Path(id): Path<String>, _: Guarded<BareForm>) -> Response {
    let to = end(&mut visit, &id).await;
    visit.lead(to)
}

async fn end(visit: &mut Visit, id: &str) -> Result<String, Failure> {
    let id: InvitationId = id.parse().map_err(|_| Failure::NotFound)?;
    visit
        .ask(|client| {
            let id = id.clone();
            async move { client.revoke_invitation(&id).await }
        })
        .await?;
    Ok("/members".to_owned())
}

/// What is no id belongs to nobody.
fn named(id: &str) -> Result<UserId, Failure> {
    id.parse().map_err(|_| Failure::NotFound)
}
