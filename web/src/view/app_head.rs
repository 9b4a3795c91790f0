//! What stands above every page of an app: its name, how it is, and the way to its other pages.

use serde::Serialize;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppSummary;

use crate::pages::apps::AppRow;

/// An app's pages, in the order of their tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Deployments,
    Releases,
    Metrics,
    Logs,
    Configuration,
    Scaling,
    Domains,
    Alerts,
    Settings,
}

impl Tab {
    const ALL: [Self; 10] = [
        Self::Overview,
        Self::Deployments,
        Self::Releases,
        Self::Metrics,
        Self::Logs,
        Self::Configuration,
        Self::Scaling,
        Self::Domains,
        Self::Alerts,
        Self::Settings,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Deployments => "Deployments",
            Self::Releases => "Releases",
            Self::Metrics => "Metrics",
            Self::Logs => "Logs",
            Self::Configuration => "Configuration",
            Self::Scaling => "Scaling",
            Self::Domains => "Domains",
            Self::Alerts => "Alerts",
            Self::Settings => "Settings",
        }
    }

    /// Below the app's own address.
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Deployments => "/deployments",
            Self::Releases => "/releases",
            Self::Metrics => "/metrics",
            Self::Logs => "/logs",
            Self::Configuration => "/config",
            Self::Scaling => "/scale",
            Self::Domains => "/domains",
            Self::Alerts => "/alerts",
            Self::Settings => "/settings",
        }
    }
}

/// The head of an app's page.
#[derive(Debug, Serialize)]
pub struct AppHead {
    pub app: AppRow,
    tabs: Vec<TabLink>,
    /// The label of the page, for its title and its breadcrumb.
    label: &'static str,
}

#[derive(Debug, Serialize)]
struct TabLink {
    label: &'static str,
    href: String,
    current: bool,
}

impl AppHead {
    pub fn new(app: AppSummary, tab: Tab, now: Timestamp) -> Self {
        let tabs = Tab::ALL.map(|it| TabLink {
            label: it.label(),
            href: format!("/apps/{}{}", app.name, it.path()),
            current: it == tab,
        });
        Self { tabs: tabs.into(), label: tab.label(), app: AppRow::new(app, now) }
    }
}
