//! Removing a member, or leaving: what ends with it, and one confirmation.

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::members::{BareForm, named};
use crate::templates::View;
use crate::visit::{Page, Visit};

/// What would end. Without JavaScript it is a page, else a dialog of the members.
#[derive(Debug, Serialize)]
pub struct RemovalPage {
    pub id: String,
    pub email: String,
    /// Whether it is the person who looks.
    pub is_me: bool,
}

impl View for RemovalPage {
    const TEMPLATE: &'static str = "member_removal.html";
}

/// Asks whether to go on.
pub async fn ask(mut visit: Visit, Path(id): Path<String>) -> Response {
    let page = load(&mut visit, &id).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, id: &str) -> Result<Page<RemovalPage>, Failure> {
    let id = named(id)?;
    let (me, members, status) =
        visit
            .ask(|client| async move {
                tokio::try_join!(client.me(), client.members(), client.status())
            })
            .await?;
    let member = members.into_iter().find(|member| member.id == id).ok_or(Failure::NotFound)?;
    let view = RemovalPage {
        id: id.to_string(),
        email: member.email.to_string(),
        is_me: me.user.id == id,
    };
    Ok(Page { view, status, refresh_s: None })
}

/// Removes the member. Whoever left is asked to sign in by the page this leads to.
pub async fn accept(mut visit: Visit, Path(id): Path<String>, _: Guarded<BareForm>) -> Response {
    let to = remove(&mut visit, &id).await;
    visit.lead(to)
}

async fn remove(visit: &mut Visit, id: &str) -> Result<String, Failure> {
    let id = named(id)?;
    visit
        .ask(|client| {
            let id = id.clone();
            async move { client.remove_member(&id).await }
        })
        .await?;
    Ok("/members".to_owned())
}
