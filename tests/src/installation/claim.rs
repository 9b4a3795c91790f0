//! Making an installation one's own, by a test or by a person in a browser.

use anyhow::{Context, ensure};
use slipway_client::Credentials;
use slipway_core::wire::auth::{ClaimRequest, LoginRequest, Scope, Session, TokenRequest};

use crate::installation::{Backend, Slipway};

impl Slipway {
    /// One process with every role, which nobody has claimed yet: see [`claim_token`] and [`join`].
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    ///
    /// [`claim_token`]: Self::claim_token
    /// [`join`]: Self::join
    pub async fn start_unclaimed(backend: Backend) -> anyhow::Result<Self> {
        let slipway = Self::prepare(backend, &["run"], &std::env::temp_dir())?;
        slipway.start_server().await?;
        Ok(slipway)
    }

    /// A token that claims it, as an operator gets it.
    ///
    /// # Errors
    /// When it is claimed already.
    pub fn claim_token(&self) -> anyhow::Result<String> {
        let printed = self.slipwayd("claim-token").output()?;
        ensure!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout)?;
        Ok(printed.lines().last().context("no claim token")?.trim().to_owned())
    }

    /// Signs in as somebody who has claimed it elsewhere.
    ///
    /// # Errors
    /// When that is not their password.
    pub async fn join(&mut self, email: &str, password: &str) -> anyhow::Result<()> {
        let login = LoginRequest { email: email.parse()?, password: password.to_owned() };
        let session = self.anonymous()?.login(&login).await?;
        self.adopt(session).await
    }

    pub(super) async fn claim(&mut self) -> anyhow::Result<()> {
        let claim = ClaimRequest {
            claim_token: self.claim_token()?,
            email: "ada@example.com".parse()?,
            password: "correct horse battery staple".to_owned(),
        };
        let session = self.anonymous()?.claim(&claim).await?;
        self.adopt(session).await
    }

    async fn adopt(&mut self, session: Session) -> anyhow::Result<()> {
        let anonymous = self.anonymous()?;
        let signed_in = anonymous.with_credentials(Credentials::Token(session.access_token));
        let request = TokenRequest {
            name: "tests".to_owned(),
            scope: Scope::Admin,
            app: None,
            expires_in_days: None,
        };
        self.token = signed_in.create_token(&request).await?.secret;
        let client = anonymous.with_credentials(Credentials::Token(self.token.clone()));
        self.installation = client.status().await?.installation;
        self.client = Some(client);
        Ok(())
    }
}
