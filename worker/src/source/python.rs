//! Python apps: which Python, which packages, and what serves.

mod database;
mod dependencies;
mod django;
mod image;
mod requirements;
mod settings;
mod statements;
mod web;

use std::collections::BTreeMap;

use slipway_core::name::ConfigKey;
use slipway_core::process::Command;
use slipway_core::reason::Reason;

use self::database::Database;
use self::dependencies::{Dependencies, Kind};
use self::django::Project;
use self::image::Image;
use self::web::{Framework, Web};
use super::base::{BaseNeed, Family};
use super::path::join;
use super::recipe::{Recipe, Surroundings, quoted};
use super::tree::SourceTree;
use super::version::VersionWish;

/// Configuration keys that are generated once for apps that sign cookies.
const SECRET_VARIABLES: [&str; 2] = ["SECRET_KEY", "DJANGO_SECRET_KEY"];

/// The recipe for a Python app; `None` when the tree is not one. `has_web` says that a `Procfile`
/// or manifest names what serves.
///
/// # Errors
/// When a file of its dependencies cannot be read.
pub fn recipe(
    tree: &SourceTree,
    has_web: bool,
    around: &Surroundings<'_>,
) -> Result<Option<Recipe>, Reason> {
    let manage = django::manage_file(tree);
    let root = manage.map_or("", super::path::directory);
    let dependencies = Dependencies::find(tree, &directories(root))?;
    let app = App::find(tree, manage, &dependencies);
    let is_python = dependencies.kind != Kind::None || app != App::Unknown;
    if !is_python {
        return Ok(None);
    }
    let wish = version(tree, root);
    Ok(Some(app.recipe(&dependencies, wish, has_web, around)))
}

/// Where an app's manifests may be: the root, then from `manage.py` upwards.
fn directories(root: &str) -> Vec<&str> {
    let mut directories = vec![""];
    let mut rest = root;
    while !rest.is_empty() {
        directories.push(rest);
        rest = super::path::directory(rest);
    }
    directories
}

/// What kind of Python app a tree holds.
#[derive(Debug, PartialEq, Eq)]
enum App {
    Django(Project),
    Web(Web),
    /// Packages without a recognised program.
    Unknown,
}

impl App {
    fn find(tree: &SourceTree, manage: Option<&str>, dependencies: &Dependencies) -> Self {
        let project = manage.and_then(|manage| Project::read(tree, manage, dependencies));
        project
            .map(Self::Django)
            .or_else(|| Web::find(tree, dependencies).map(Self::Web))
            .unwrap_or(Self::Unknown)
    }

    fn recipe(
        &self,
        dependencies: &Dependencies,
        wish: Option<VersionWish>,
        has_web: bool,
        around: &Surroundings<'_>,
    ) -> Recipe {
        let image = Image {
            dependencies,
            project: self.project(),
            servers: self.servers(dependencies, has_web),
        };
        let mut warnings = dependencies.warnings.clone();
        warnings.extend(self.warnings());
        if self.lacks_django(dependencies) {
            warnings.push("no `requirements.txt`: the newest Django is installed".to_owned());
        }
        Recipe {
            base: BaseNeed::Family { family: Family::Python, wish },
            further_bases: BTreeMap::new(),
            recognised: self.recognised(dependencies),
            dockerfile: image.dockerfile(around),
            additions: image.additions(),
            titles: image.titles(),
            excluded: &[".git", "__pycache__", ".venv", "venv", "node_modules"],
            web: self.web(dependencies),
            release: self.release(),
            generated_config: self.generated_config(dependencies),
            records_static_files: image.collects_static_files(),
            warnings,
        }
    }

    fn project(&self) -> Option<&Project> {
        if let Self::Django(project) = self { Some(project) } else { None }
    }

    fn recognised(&self, dependencies: &Dependencies) -> String {
        let package = |title: &str, name: &str| {
            let version = dependencies.packages.get(name).and_then(Option::as_deref);
            let short = version.map(|version| version.splitn(3, '.').take(2).collect::<Vec<_>>());
            short.map_or_else(|| title.to_owned(), |short| format!("{title} {}", short.join(".")))
        };
        match self {
            Self::Django(project) => {
                format!("{} ({})", package("Django", "django"), project.entry.file)
            }
            Self::Web(Web::App { framework, file, .. }) => {
                format!("{} ({file})", package(framework.title(), framework.package()))
            }
            Self::Web(Web::Script { file }) => file.clone(),
            Self::Unknown => "no web framework recognised".to_owned(),
        }
    }

    /// Packages that serve the app and that it may not name itself.
    fn servers(&self, dependencies: &Dependencies, has_web: bool) -> Vec<&'static str> {
        let wanted = match self {
            Self::Django(Project { entry, .. }) if entry.is_asgi && dependencies.has("daphne") => {
                return Vec::new();
            }
            Self::Django(Project { entry, .. }) if entry.is_asgi => "uvicorn",
            Self::Web(Web::App {
                framework: Framework::FastApi | Framework::Starlette, ..
            }) => "uvicorn",
            Self::Django(_) | Self::Web(Web::App { framework: Framework::Flask, .. }) => "gunicorn",
            Self::Web(Web::Script { .. }) | Self::Unknown => return Vec::new(),
        };
        let mut servers = Vec::new();
        if self.lacks_django(dependencies) {
            servers.push("django");
        }
        if !dependencies.has(wanted) && !has_web {
            servers.push(wanted);
        }
        servers
    }

    fn lacks_django(&self, dependencies: &Dependencies) -> bool {
        self.project().is_some() && dependencies.kind == Kind::None
    }

    fn web(&self, dependencies: &Dependencies) -> Option<Command> {
        let line = match self {
            Self::Django(Project { entry, directory, .. }) if entry.is_asgi => {
                asgi(&entry.target, directory, dependencies)
            }
            Self::Django(Project { entry, directory, .. }) => wsgi(&entry.target, directory),
            Self::Web(Web::App { framework: Framework::Flask, directory, target, .. }) => {
                wsgi(target, directory)
            }
            Self::Web(Web::App { directory, target, .. }) => asgi(target, directory, dependencies),
            Self::Web(Web::Script { file }) => format!("python {file}"),
            Self::Unknown => return None,
        };
        Some(Command::Shell(line))
    }

    fn release(&self) -> Option<Command> {
        let project = self.project()?;
        let manage = join(&project.directory, "manage.py");
        (project.database == Database::Configured)
            .then(|| Command::Shell(format!("python {manage} migrate --noinput")))
    }

    fn generated_config(&self, dependencies: &Dependencies) -> Vec<ConfigKey> {
        let signs = match self {
            Self::Django(_) => true,
            Self::Web(_) => dependencies.has("flask"),
            Self::Unknown => false,
        };
        let keys = SECRET_VARIABLES.iter().filter(|_| signs);
        keys.filter_map(|key| key.parse().ok()).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let Some(project) = self.project() else { return Vec::new() };
        let mut warnings = project.warnings.clone();
        warnings.extend(project.database.warning().map(ToOwned::to_owned));
        if !project.has_static_root {
            warnings.push(
                "`STATIC_ROOT` is not set: static files are neither collected nor served"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// Threads serve slow clients of the app's own making; two processes fit 512 MiB. The keep-alive
/// outlives the proxy's, so that the proxy is never the one to find a connection closed.
fn wsgi(target: &str, directory: &str) -> String {
    let chdir = option("--chdir", directory);
    format!(
        "gunicorn{chdir} {} --bind 0.0.0.0:$PORT --threads 4 --keep-alive 75 --worker-tmp-dir /dev/shm",
        quoted(target)
    )
}

fn asgi(target: &str, directory: &str, dependencies: &Dependencies) -> String {
    if dependencies.has("daphne") {
        // Daphne takes no directory; the image has it on the module path.
        return format!("daphne --bind 0.0.0.0 --port $PORT --proxy-headers {}", quoted(target));
    }
    let directory = option("--app-dir", directory);
    let (target, factory) =
        target.strip_suffix("()").map_or((target, ""), |target| (target, " --factory"));
    format!(
        "uvicorn{directory} {}{factory} --host 0.0.0.0 --port $PORT --timeout-keep-alive 75",
        quoted(target)
    )
}

fn option(name: &str, directory: &str) -> String {
    if directory.is_empty() { String::new() } else { format!(" {name} {}", quoted(directory)) }
}

/// The version an app asks for, from the first file that says so.
fn version(tree: &SourceTree, root: &str) -> Option<VersionWish> {
    directories(root).iter().find_map(|directory| {
        let path = |name: &str| join(directory, name);
        let (plain, runtime) = (path(".python-version"), path("runtime.txt"));
        let (project, pipfile) = (path("pyproject.toml"), path("Pipfile"));
        let first_line = |path: &str| {
            tree.text(path)?.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'))
        };
        let wish = |text: &str, path: &str| VersionWish::parse(text, path);
        first_line(&plain)
            .and_then(|line| wish(line, &plain))
            .or_else(|| wish(first_line(&runtime)?.strip_prefix("python-")?, &runtime))
            .or_else(|| {
                wish(&setting(tree.text(&project)?, &["project", "requires-python"])?, &project)
            })
            .or_else(|| {
                wish(&setting(tree.text(&pipfile)?, &["requires", "python_version"])?, &pipfile)
            })
    })
}

fn setting(text: &str, keys: &[&str]) -> Option<String> {
    let table: toml::Value = text.parse::<toml::Table>().ok()?.into();
    let value = keys.iter().try_fold(&table, |value, key| value.get(key))?;
    value.as_str().map(ToOwned::to_owned)
}
