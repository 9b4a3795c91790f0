//! What every page is made with.

use std::sync::Arc;

use slipway_client::{Client, ServerUrl};

use crate::assets::Assets;
use crate::guard::PublicOrigin;
use crate::session::cookies::Cookies;
use crate::session::renewals::Renewals;
use crate::templates::Templates;
use crate::{WebError, WebSettings};

const USER_AGENT: &str = concat!("slipway-web/", env!("CARGO_PKG_VERSION"));

/// The console, shared by its requests.
pub struct Console {
    /// Signed in as nobody, and calling for nobody.
    pub client: Client,
    /// What the API knows the console by.
    pub secret: Option<Arc<str>>,
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
    pub fn new(settings: WebSettings) -> Result<Arc<Self>, WebError> {
        let public_url: ServerUrl = settings.public_url.parse()?;
        let client = Client::new(settings.api_url.parse()?, USER_AGENT)?;
        Ok(Arc::new(Self {
            client,
            secret: settings.secret.map(Into::into),
            renewals: Renewals::default(),
            cookies: Cookies::new(!public_url.is_plain()),
            origin: PublicOrigin::of(&public_url),
            assets: Assets::new(),
            templates: Templates::load()?,
            public_url,
        }))
    }
}
