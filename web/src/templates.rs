//! Templates: part of the program, loaded once, escaping everything they are given.

use axum::response::Html;
use serde::Serialize;
use tera::{Context, Tera};

use crate::console::Console;
use crate::session::BrowserSession;
use crate::view::rights::Rights;

const TEMPLATES: [(&str, &str); 36] = [
    ("parts.html", include_str!("templates/parts.html")),
    ("frame.html", include_str!("templates/frame.html")),
    ("apps.html", include_str!("templates/apps.html")),
    ("app.html", include_str!("templates/app.html")),
    ("app_head.html", include_str!("templates/app_head.html")),
    ("app_deployments.html", include_str!("templates/app_deployments.html")),
    ("app_releases.html", include_str!("templates/app_releases.html")),
    ("app_rollback.html", include_str!("templates/app_rollback.html")),
    ("app_metrics.html", include_str!("templates/app_metrics.html")),
    ("app_logs.html", include_str!("templates/app_logs.html")),
    ("app_config.html", include_str!("templates/app_config.html")),
    ("app_config_edit.html", include_str!("templates/app_config_edit.html")),
    ("app_scale.html", include_str!("templates/app_scale.html")),
    ("app_domains.html", include_str!("templates/app_domains.html")),
    ("app_domain_removal.html", include_str!("templates/app_domain_removal.html")),
    ("app_autoscale.html", include_str!("templates/app_autoscale.html")),
    ("decision_rows.html", include_str!("templates/decision_rows.html")),
    ("app_drains.html", include_str!("templates/app_drains.html")),
    ("app_settings.html", include_str!("templates/app_settings.html")),
    ("deployment_rows.html", include_str!("templates/deployment_rows.html")),
    ("app_push.html", include_str!("templates/app_push.html")),
    ("deployment.html", include_str!("templates/deployment.html")),
    ("deployment_progress.html", include_str!("templates/deployment_progress.html")),
    ("alerts.html", include_str!("templates/alerts.html")),
    ("alerts_head.html", include_str!("templates/alerts_head.html")),
    ("channels.html", include_str!("templates/channels.html")),
    ("refusal.html", include_str!("templates/refusal.html")),
    ("events.html", include_str!("templates/events.html")),
    ("tokens.html", include_str!("templates/tokens.html")),
    ("members.html", include_str!("templates/members.html")),
    ("member_removal.html", include_str!("templates/member_removal.html")),
    ("join.html", include_str!("templates/join.html")),
    ("server.html", include_str!("templates/server.html")),
    ("claim.html", include_str!("templates/claim.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("failure.html", include_str!("templates/failure.html")),
];

/// Every template, parsed.
pub struct Templates(Tera);

/// What one template shows, as `page`.
pub trait View: Serialize {
    const TEMPLATE: &'static str;
}

/// What is around every page, as `frame`.
#[derive(Debug, Serialize)]
pub struct Frame {
    style: String,
    script: String,
    /// What draws the panels of the metrics page.
    charts: String,
    icon: String,
    /// Whose session it is.
    email: Option<String>,
    /// What the page's forms carry.
    form_token: Option<String>,
    /// What they may do.
    pub may: Rights,
    /// Seconds until the browser loads the page again, while something is under way.
    pub refresh_s: Option<u32>,
    /// The server's version, for people who are signed in.
    pub version: Option<String>,
    /// Parts of the server that do not work.
    pub troubles: Vec<Trouble>,
}

/// A part of the server that does not work.
#[derive(Debug, Serialize)]
pub struct Trouble {
    pub name: String,
    pub message: String,
}

impl Frame {
    fn bare(console: &Console) -> Self {
        Self {
            style: console.assets.style.path(),
            script: console.assets.script.path(),
            charts: console.assets.charts.path(),
            icon: console.assets.icon.path(),
            email: None,
            form_token: None,
            may: Rights::ALL,
            refresh_s: None,
            version: None,
            troubles: Vec::new(),
        }
    }

    /// Around a page for anybody, or for the person whose session it is.
    pub fn of(console: &Console, session: Option<&BrowserSession>) -> Self {
        Self {
            email: session.map(|session| session.email.to_string()),
            form_token: session.map(|session| session.form_token.clone()),
            ..Self::bare(console)
        }
    }

    /// Around a page with a form for somebody who need not be signed in.
    pub fn with_form(console: &Console, form_token: String) -> Self {
        Self { form_token: Some(form_token), ..Self::bare(console) }
    }
}

impl Templates {
    /// # Errors
    /// When a template does not parse, or names one that does not exist.
    pub fn load() -> Result<Self, tera::Error> {
        let mut tera = Tera::new();
        // Tera's own default, said aloud because the console's safety rests on it.
        tera.autoescape_on([".html"]);
        tera.add_raw_templates(TEMPLATES)?;
        Ok(Self(tera))
    }

    /// A part of a page, which needs nothing of the frame around it.
    ///
    /// # Errors
    /// When the template asks for something that the view does not have, which is a defect.
    pub fn render_part<V: View>(&self, view: &V) -> Result<Html<String>, tera::Error> {
        let mut context = Context::new();
        context.insert("page", view);
        self.0.render(V::TEMPLATE, &context).map(Html)
    }

    /// A whole page.
    ///
    /// # Errors
    /// When the template asks for something that the view does not have, which is a defect.
    pub fn render<V: View>(&self, frame: &Frame, view: &V) -> Result<Html<String>, tera::Error> {
        let mut context = Context::new();
        context.insert("frame", frame);
        context.insert("page", view);
        self.0.render(V::TEMPLATE, &context).map(Html)
    }
}
