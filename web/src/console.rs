//! What every page is made with.

use std::sync::Arc;

use slipway_client::{Client, ServerUrl};

use crate::WebError;
use crate::assets::Assets;
use crate::guard::PublicOrigin;
use crate::session::cookies::Cookies;
use crate::session::renewals::Renewals;
use crate::templates::Templates;

const USER_AGENT: &str = concat!("slipway-web/", env!("CARGO_PKG_VERSION"));

/// The console, shared by its requests.
pub struct Console {
    /// Signed in as nobody.
    pub client: Client,
    pub cookies: Cookies,
    pub renewals: Renewals,
    pub origin: PublicOrigin,
    pub assets: Assets,
    pub templates: Templates,
    /// Where people reach this server.
    pub public_url: ServerUrl,
}

impl Console {
    /// # Errors
    /// When an address is not one, or a template is broken.
    pub fn new(api_url: &str, public_url: &str) -> Result<Arc<Self>, WebError> {
        let public_url: ServerUrl = public_url.parse()?;
        let client = Client::new(api_url.parse()?, USER_AGENT)?;
        Ok(Arc::new(Self {
            renewals: Renewals::new(client.clone()),
            client,
            cookies: Cookies::new(!public_url.is_plain()),
            origin: PublicOrigin::of(&public_url),
            assets: Assets::new(),
            templates: Templates::load()?,
            public_url,
        }))
    }
}
