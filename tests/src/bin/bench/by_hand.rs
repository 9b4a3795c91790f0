//! The same work by hand: what a short script with `docker` and an nginx of its own does.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, ensure};
use slipway_tests::docker::docker;
use slipway_tests::http::Site;
use slipway_tests::network::free_address;
use tempfile::TempDir;

use crate::measure::until_answered;

/// The port containers are told.
const PORT: u16 = 8000;
/// Outside of the pools that installations cut their networks from.
const SUBNET: &str = "10.200.255.0/26";

/// A network, an nginx and some containers; all gone when it is dropped.
pub struct ByHand {
    folder: TempDir,
    name: String,
    proxy: SocketAddr,
}

/// A running container.
#[derive(Debug, Clone)]
pub struct Container {
    pub id: String,
    pub address: SocketAddr,
}

impl ByHand {
    /// Makes the network and starts nginx.
    ///
    /// # Errors
    /// When Docker or nginx refuse.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-test-by-hand-").tempdir()?;
        let name = format!("slipway-bench-{}", process::id());
        let by_hand = Self { folder, name, proxy: free_address() };
        docker(&["network", "create", "--subnet", SUBNET, &by_hand.name])?;
        by_hand.write_upstream(&[])?;
        fs::write(by_hand.configuration(), by_hand.nginx_conf())?;
        by_hand.nginx(&[])?;
        Ok(by_hand)
    }

    /// Where its nginx answers.
    pub fn site(&self) -> Site {
        Site { proxy: self.proxy, host: "app.localhost".to_owned() }
    }

    /// `docker build` of a folder; returns the image's tag.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(&self, context: &Path, tag: &str) -> anyhow::Result<String> {
        let tag = format!("{}:{tag}", self.name);
        let context = context.to_str().context("the path is text")?;
        docker(&["build", "--quiet", "--tag", &tag, context])?;
        Ok(tag)
    }

    /// `docker run` of an image.
    ///
    /// # Errors
    /// When it does not start.
    pub fn run(&self, image: &str) -> anyhow::Result<Container> {
        let port = format!("PORT={PORT}");
        let label = format!("bench={}", self.name);
        let id = docker(&[
            "run",
            "--detach",
            "--init",
            "--network",
            &self.name,
            "--label",
            &label,
            "--env",
            &port,
            image,
        ])?;
        Container::running(&id)
    }

    /// `docker run --rm` of one command, to its end.
    ///
    /// # Errors
    /// When the command fails.
    pub fn run_once(&self, image: &str, command: &[&str]) -> anyhow::Result<()> {
        let mut arguments = vec!["run", "--rm", "--init", "--network", &self.name, image];
        arguments.extend(command);
        docker(&arguments).map(drop)
    }

    /// Writes the upstream and reloads nginx.
    ///
    /// # Errors
    /// When nginx refuses.
    pub fn switch(&self, members: &[SocketAddr]) -> anyhow::Result<()> {
        self.write_upstream(members)?;
        self.nginx(&["-s", "reload"])
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("nginx.conf")
    }

    fn write_upstream(&self, members: &[SocketAddr]) -> anyhow::Result<()> {
        // nginx does not take an upstream without a server.
        let nobody = [SocketAddr::from(([127, 0, 0, 1], 1))];
        let members = if members.is_empty() { &nobody } else { members };
        let servers: Vec<String> = members.iter().map(|one| format!("server {one};")).collect();
        let upstream = format!("upstream app {{ {} keepalive 64; }}\n", servers.join(" "));
        Ok(fs::write(self.folder.path().join("upstream.conf"), upstream)?)
    }

    fn nginx(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-p").arg(self.folder.path()).arg("-c").arg(self.configuration());
        succeed(nginx.args(arguments))
    }

    /// As somebody writes it who knows what upstream connections cost.
    fn nginx_conf(&self) -> String {
        let folder = self.folder.path().display();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        format!(
            "{user} worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/upstream.conf;
    server {{
        listen {proxy};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
",
            proxy = self.proxy
        )
    }

    fn tidy_up(&self) -> anyhow::Result<()> {
        self.nginx(&["-s", "stop"])?;
        let mine = format!("label=bench={}", self.name);
        for id in docker(&["ps", "--all", "--quiet", "--filter", &mine])?.lines() {
            docker(&["rm", "--force", "--volumes", id])?;
        }
        for tag in docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", &self.name])?.lines()
        {
            docker(&["rmi", "--force", tag])?;
        }
        docker(&["network", "rm", &self.name]).map(drop)
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        if let Err(error) = self.tidy_up() {
            crate::table::note(&format!("something by hand is left behind: {error:#}"));
        }
    }
}

impl Container {
    fn running(id: &str) -> anyhow::Result<Self> {
        let field = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", field, id])?;
        let address = address.parse().with_context(|| format!("the address of {id}"))?;
        Ok(Self { id: id.to_owned(), address: SocketAddr::new(address, PORT) })
    }

    /// Waits until it answers with this body.
    ///
    /// # Errors
    /// When it does not within two minutes.
    pub async fn ready(&self, body: &str) -> anyhow::Result<()> {
        let inside = Site { proxy: self.address, host: "localhost".to_owned() };
        until_answered(&inside, body).await
    }

    /// `docker stop`.
    ///
    /// # Errors
    /// When Docker refuses.
    pub fn stop(&self) -> anyhow::Result<()> {
        docker(&["stop", "--time", "1", &self.id]).map(drop)
    }

    /// `docker start` after a stop; its address may be another one.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> anyhow::Result<Self> {
        docker(&["start", &self.id])?;
        Self::running(&self.id)
    }

    /// `docker rm --force`.
    ///
    /// # Errors
    /// When Docker refuses.
    pub fn remove(&self) -> anyhow::Result<()> {
        docker(&["rm", "--force", &self.id]).map(drop)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it fails, with its complaint.
pub fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", complaint.trim());
    Ok(())
}

/// The base image that Slipway built its Python apps on, which both sides use.
///
/// # Errors
/// Before Slipway's first deploy of a Python app.
pub fn python_base() -> anyhow::Result<String> {
    let tags = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"])?;
    let mut known = tags.lines().filter(|tag| tag.contains("python"));
    known.next().map(str::to_owned).context("no Python base image is here yet")
}
