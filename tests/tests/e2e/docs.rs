//! Every command that the documents show is typed, on an installation of its own for each page.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use slipway_tests::docker::docker;
use slipway_tests::postgres::Postgres;
use slipway_tests::program::of_this_crate;
use slipway_tests::repository::copy;
use slipway_tests::{Backend, Developer, Echo, Page, Reader, Receiver, Slipway};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Outcome;

/// The pages with something to type; each has a test below.
const TYPED: [&str; 8] = [
    "README.md",
    "docs/alerts.md",
    "docs/api.md",
    "docs/django.md",
    "docs/operations.md",
    "docs/quick-start.md",
    "docs/scaling.md",
    "docs/security.md",
];

/// A page, and where it is followed.
struct Desk {
    slipway: Slipway,
    ada: Developer,
    truths: Vec<(&'static str, String)>,
}

impl Desk {
    /// An installation of its own, as `make up` leaves one: claimed, with the command line signed in.
    async fn new() -> anyhow::Result<Self> {
        let slipway = Slipway::start(Backend::Sqlite).await?;
        let ada = slipway.person().await;
        let proxy = slipway.site("any").proxy.port();
        let truths = vec![
            ("http://localhost:8081", slipway.url()),
            ("localhost:8080", format!("localhost:{proxy}")),
            ("/var/lib/slipway", slipway.data().display().to_string()),
        ];
        Ok(Self { slipway, ada, truths })
    }

    /// The same, where what documents say of the world stands for something here.
    fn knowing(mut self, said: &'static str, here: String) -> Self {
        self.truths.push((said, here));
        self
    }

    /// An empty folder of that name.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.ada.home().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The app `shop`, deployed, in the developer's repository.
    async fn with_shop(&self) -> anyhow::Result<PathBuf> {
        self.ada.slipway(&["create", "shop"]).await.expect_success();
        self.ada.deploy(&Echo::named("one")).await;
        Ok(self.ada.repository().to_owned())
    }

    /// Follows a page from its first line to its last.
    async fn follow(&self, page: &str, folder: PathBuf) -> Outcome {
        ensure!(TYPED.contains(&page), "{page} is not listed");
        let data = self.slipway.data().display().to_string();
        let variables = [("SLIPWAY_DATA", data)];
        let mut reader = Reader::start(&self.ada, folder, &variables, &self.truths).await?;
        reader.follow(&Page::read(page)?).await
    }
}

#[test]
fn every_page_with_commands_is_typed() -> Outcome {
    let has_commands = |page: &Page| page.blocks().iter().any(|block| block.language == "console");
    let pages: Vec<String> =
        Page::all()?.into_iter().filter(has_commands).map(|page| page.name).collect();
    assert_eq!(pages, TYPED);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    let folder = desk.folder("desk")?;
    copy(&of_this_crate("apps/site"), &folder.join("my-app"));
    let prepare = "cd my-app && git init --quiet --initial-branch=main && git add --all \
        && git commit --quiet --message site";
    let page = Page { name: "site".to_owned(), text: format!("```console\n$ {prepare}\n```\n") };
    let mut reader = Reader::start(&desk.ada, folder.clone(), &[], &[]).await?;
    reader.follow(&page).await?;
    desk.follow("README.md", folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quick_start_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    desk.follow("docs/quick-start.md", desk.folder("desk")?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_the_api_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    desk.follow("docs/api.md", desk.folder("desk")?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_operations_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    desk.follow("docs/operations.md", desk.folder("desk")?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_security_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    let folder = desk.with_shop().await?;
    desk.follow("docs/security.md", folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_scaling_works_as_written() -> Outcome {
    let desk = Desk::new().await?;
    let folder = desk.with_shop().await?;
    desk.follow("docs/scaling.md", folder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_alerts_works_as_written() -> Outcome {
    let receiver = Receiver::start(0).await?;
    let desk = Desk::new().await?.knowing("https://hooks.example.com/slipway", receiver.url());
    let folder = desk.with_shop().await?;
    desk.follow("docs/alerts.md", folder).await?;
    ensure!(receiver.received().len() == 1, "the test message arrives, and nothing else");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_django_works_as_written() -> Outcome {
    let postgres = Postgres::start()?;
    postgres.create_database("shop")?;
    let door = Door::to(postgres.address()).await?;
    let url = format!("postgres://slipway@{}/shop", door.address);
    let desk = Desk::new().await?;
    let desk = desk.knowing("postgres://shop:secret@db.example.com/shop", url);
    let folder = desk.folder("shop")?;
    copy(&of_this_crate("apps/django"), &folder);
    desk.follow("docs/django.md", folder).await
}

/// Lets the apps' networks in to a server that listens on the loopback interface alone.
struct Door {
    address: SocketAddr,
    _open: JoinSet<()>,
}

impl Door {
    /// Listens where every container reaches the host.
    async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let gateway = "{{(index .IPAM.Config 0).Gateway}}";
        let host = docker(&["network", "inspect", "bridge", "--format", gateway])?;
        let listener = TcpListener::bind(format!("{host}:0")).await.context(host)?;
        let address = listener.local_addr()?;
        let mut open = JoinSet::new();
        open.spawn(async move {
            let mut visits = JoinSet::new();
            while let Ok((mut visitor, _)) = listener.accept().await {
                visits.spawn(async move {
                    let Ok(mut inside) = TcpStream::connect(server).await else { return };
                    // Either side may go first.
                    drop(copy_bidirectional(&mut visitor, &mut inside).await);
                });
            }
        });
        Ok(Self { address, _open: open })
    }
}
