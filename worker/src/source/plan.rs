//! What is to be built, and what the result will run.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::manifest::Manifest;
use slipway_core::name::{ConfigKey, ProcessName};
use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec, StaticFiles};
use slipway_core::reason::{Reason, ReasonCode};

use super::base::{BaseNeed, Bases};
use super::dockerfile::Dockerfile;
use super::path::TreePath;
use super::procfile::{self, Procfile};
use super::recipe::{BASE, DEFAULT_PORT, OWN, Recipe, Surroundings};
use super::tree::SourceTree;
use super::{manifest, node, python, website};

/// What a plan depends on besides the tree.
#[derive(Debug, Clone, Default)]
pub struct PlanInputs {
    /// Keeps package caches apart; the app's id.
    pub cache_scope: String,
    /// Build arguments that the operator sets for every build: package indexes, proxies.
    pub arguments: BTreeMap<String, String>,
    /// Whether the host has certificates that builds must trust.
    pub has_certificates: bool,
}

/// A build, planned from the tree alone.
#[derive(Debug, Clone)]
pub struct BuildPlan {
    pub kind: BuildKind,
    /// What the release will run, as far as it is known before the image is; `formation` completes
    /// it.
    known: Formation,
    /// Configuration values to be generated once for the app and kept.
    pub generated_config: Vec<ConfigKey>,
    /// Lines for the build log, in order.
    pub warnings: Vec<String>,
    arguments: BTreeMap<String, String>,
    /// Whether the port of `web` is the app's own word rather than the default.
    port_is_declared: bool,
}

/// Who wrote the Dockerfile.
#[derive(Debug, Clone)]
pub enum BuildKind {
    /// The repository has one.
    Dockerfile { path: String, dockerfile: Dockerfile },
    /// Slipway wrote it for a language it recognised.
    Recipe(Box<Recipe>),
}

impl BuildPlan {
    /// Plans the build of a tree.
    ///
    /// # Errors
    /// When `slipway.toml`, the `Procfile` or the `Dockerfile` is not acceptable, with file and
    /// line, or no kind of app is recognised.
    pub fn of(tree: &SourceTree, inputs: &PlanInputs) -> Result<Self, Reason> {
        if tree.is_empty() {
            return Err(refuse("the repository is empty"));
        }
        let manifest = manifest::read(tree)?;
        let procfile = match tree.steering_text(procfile::FILE)? {
            Some(text) => Procfile::parse(text)?,
            None => Procfile::default(),
        };
        let declared = Declared { manifest: &manifest, procfile: &procfile };
        let kind = kind(tree, inputs, &declared)?;
        let mut warnings = procfile.warnings.clone();
        let ((web, release), generated_config) = match &kind {
            BuildKind::Dockerfile { dockerfile, .. } => {
                if dockerfile.has_syntax {
                    warnings.push("`# syntax=` is left out: the builder's own is used".to_owned());
                }
                ((Some(&Command::Image), None), Vec::new())
            }
            BuildKind::Recipe(recipe) => {
                warnings.extend(recipe.warnings.clone());
                let own = (recipe.web.as_ref(), recipe.release.as_ref());
                (own, recipe.generated_config.clone())
            }
        };
        Ok(Self {
            known: declared.formation(web, release)?,
            kind,
            generated_config,
            warnings,
            arguments: inputs.arguments.clone(),
            port_is_declared: declared.port().is_some(),
        })
    }

    /// The first line of the build log: `Python 3.11, Django 5.2 (shop/wsgi.py)`.
    pub fn headline(&self, bases: &Bases) -> String {
        match &self.kind {
            BuildKind::Dockerfile { path, .. } => format!("Dockerfile ({path})"),
            BuildKind::Recipe(recipe) => {
                let version = bases.get(&recipe.base).and_then(|base| base.version.as_deref());
                let language = match (&recipe.base, version) {
                    (BaseNeed::Family { family, .. }, Some(version)) => {
                        format!("{} {version}, ", family.title())
                    }
                    (BaseNeed::Family { family, .. }, None) => format!("{}, ", family.title()),
                    (BaseNeed::Reference { .. }, _) => String::new(),
                };
                format!("{language}{}", recipe.recognised)
            }
        }
    }

    /// The base images the build needs, each once.
    pub fn needs(&self) -> BTreeSet<BaseNeed> {
        match &self.kind {
            BuildKind::Dockerfile { dockerfile, .. } => {
                let need = |name: &String| BaseNeed::Reference {
                    name: name.clone(),
                    is_replaceable: !dockerfile.uses_apk,
                };
                dockerfile.references.iter().map(need).collect()
            }
            BuildKind::Recipe(recipe) => {
                recipe.further_bases.values().chain([&recipe.base]).cloned().collect()
            }
        }
    }

    /// The Dockerfile's path inside the context.
    pub fn dockerfile_path(&self) -> String {
        match &self.kind {
            BuildKind::Dockerfile { path, .. } => path.clone(),
            BuildKind::Recipe(_) => format!("{OWN}/Dockerfile"),
        }
    }

    /// The build's `ARG` values.
    pub fn arguments(&self, bases: &Bases) -> BTreeMap<String, String> {
        let mut arguments = self.arguments.clone();
        if let BuildKind::Recipe(recipe) = &self.kind {
            let own = (BASE.to_owned(), &recipe.base);
            let further = recipe.further_bases.iter().map(|(name, need)| (name.clone(), need));
            for (name, need) in further.chain([own]) {
                if let Some(base) = bases.get(need) {
                    arguments.insert(name, base.reference.clone());
                }
            }
        }
        arguments
    }

    /// Titles of steps for the log.
    pub fn titles(&self) -> BTreeMap<String, String> {
        match &self.kind {
            BuildKind::Dockerfile { .. } => BTreeMap::new(),
            BuildKind::Recipe(recipe) => recipe.titles.clone(),
        }
    }

    /// Whether the image may have a record of static files to be read with `read_static_files`.
    pub fn records_static_files(&self) -> bool {
        matches!(&self.kind, BuildKind::Recipe(recipe) if recipe.records_static_files)
    }

    /// What the release runs, once the image is there: with the port of its `EXPOSE`, when it is
    /// the only one and the repository says nothing else, and with the static files it holds.
    pub fn formation(&self, exposed: &[u16], static_files: Option<StaticFiles>) -> Formation {
        let mut formation = self.known.clone();
        let is_own = matches!(self.kind, BuildKind::Dockerfile { .. });
        if let [port] = exposed
            && is_own
            && !self.port_is_declared
            && let Some(web) = formation.processes.get_mut(&ProcessName::web())
        {
            web.port = Some(*port);
        }
        formation.static_files = static_files;
        formation
    }
}

/// What the repository itself says about its processes.
struct Declared<'a> {
    manifest: &'a Manifest,
    procfile: &'a Procfile,
}

impl Declared<'_> {
    fn port(&self) -> Option<u16> {
        self.manifest.processes.get(&ProcessName::web()).and_then(|web| web.port)
    }

    fn command(&self, name: &ProcessName) -> Option<Command> {
        let section = self.manifest.processes.get(name).and_then(|one| one.command.as_ref());
        section.or_else(|| self.procfile.commands.get(name)).cloned().map(Command::Shell)
    }

    /// Whether a `Procfile` lists the processes there are; one without `web` then has none.
    fn lists_processes(&self) -> bool {
        self.procfile.commands.keys().any(|name| *name != ProcessName::release())
    }

    /// Everything that is declared, with the recognised commands where nothing is.
    fn formation(
        &self,
        web: Option<&Command>,
        release: Option<&Command>,
    ) -> Result<Formation, Reason> {
        let mut formation = Formation::default();
        let procfile = self.procfile.commands.keys();
        let names = procfile.chain(self.manifest.processes.keys()).collect::<BTreeSet<_>>();
        let has_web = web.is_some() && !self.lists_processes();
        let web_name = ProcessName::web();
        for name in names.into_iter().chain(has_web.then_some(&web_name)) {
            if *name == ProcessName::release() {
                continue;
            }
            let own = if name.is_web() { web.cloned() } else { None };
            let Some(command) = self.command(name).or(own) else {
                let message = format!("{}: process `{name}` has no `command`", manifest::FILE);
                return Err(refuse(&message));
            };
            formation.processes.insert(name.clone(), self.process(name, command));
        }
        formation.release_command = match &self.manifest.release.command {
            Some(line) if line.trim().is_empty() => None,
            Some(line) => Some(Command::Shell(line.clone())),
            None => self.command(&ProcessName::release()).or_else(|| release.cloned()),
        };
        formation.metrics = self.manifest.metrics.endpoint();
        self.apply_rollout(&mut formation);
        Ok(formation)
    }

    fn process(&self, name: &ProcessName, command: Command) -> ProcessSpec {
        let section = self.manifest.processes.get(name).cloned().unwrap_or_default();
        let default = name.is_web().then_some(DEFAULT_PORT);
        let mut spec = ProcessSpec {
            command,
            port: section.port.or(default),
            health: HealthCheck::default(),
            limits: Limits::default(),
        };
        if spec.port.is_some() {
            spec.health.path.clone_from(&self.manifest.health.path);
            if let Some(span) = self.manifest.health.boot_timeout {
                spec.health.boot_deadline_ms = span.0;
            }
        }
        if let Some(memory) = section.memory {
            spec.limits.memory_bytes = memory.bytes;
        }
        spec.limits.cpu_millis = section.cpu.map(|cpu| cpu.millis);
        spec
    }

    fn apply_rollout(&self, formation: &mut Formation) {
        let (rollout, settings) = (&self.manifest.rollout, &mut formation.rollout);
        let spans = [
            (rollout.drain, &mut settings.drain_ms),
            (rollout.grace, &mut settings.grace_ms),
            (rollout.observe, &mut settings.observe_ms),
            (self.manifest.release.timeout, &mut settings.release_timeout_ms),
        ];
        for (declared, setting) in spans {
            if let Some(span) = declared {
                *setting = span.0;
            }
        }
    }
}

fn kind(
    tree: &SourceTree,
    inputs: &PlanInputs,
    declared: &Declared<'_>,
) -> Result<BuildKind, Reason> {
    if let Some(kind) = own_dockerfile(tree, declared.manifest)? {
        return Ok(kind);
    }
    let names: Vec<&str> = inputs.arguments.keys().map(String::as_str).collect();
    let around = Surroundings {
        cache_scope: &inputs.cache_scope,
        arguments: &names,
        has_certificates: inputs.has_certificates,
        port: declared.port().unwrap_or(DEFAULT_PORT),
    };
    let has_web = declared.command(&ProcessName::web()).is_some();
    let serves_itself = has_web || declared.lists_processes();
    // Assets of a Python app are often built by Node.js: a recognised Python app goes first, and a
    // lone script among JavaScript last.
    let recipe = match python::recipe(tree, serves_itself, &around)? {
        Some(recipe) if !tree.is_file("package.json") || recipe.web.is_some() => Some(recipe),
        found => match node::recipe(tree, serves_itself, &around)? {
            Some(recipe) => Some(recipe),
            None => found.or_else(|| website::recipe(tree, &around)),
        },
    };
    recipe.map(|recipe| BuildKind::Recipe(Box::new(recipe))).ok_or_else(|| unrecognised(tree))
}

fn own_dockerfile(tree: &SourceTree, manifest: &Manifest) -> Result<Option<BuildKind>, Reason> {
    let named = manifest.build.dockerfile.as_deref();
    let path = named.unwrap_or("Dockerfile");
    let invalid =
        || refuse(&format!("{}: `{path}` is not a path inside the repository", manifest::FILE));
    let path = TreePath::parse(path.as_bytes()).ok().flatten().ok_or_else(invalid)?.to_string();
    let Some(text) = tree.steering_text(&path)? else {
        return match named {
            Some(_) => Err(refuse(&format!("{}: no file `{path}`", manifest::FILE))),
            None => Ok(None),
        };
    };
    let dockerfile = Dockerfile::parse(&path, text)?;
    Ok(Some(BuildKind::Dockerfile { path, dockerfile }))
}

fn unrecognised(tree: &SourceTree) -> Reason {
    let unsupported = [
        ("go.mod", "Go"),
        ("Cargo.toml", "Rust"),
        ("Gemfile", "Ruby"),
        ("composer.json", "PHP"),
        ("pom.xml", "Java"),
    ];
    let language = unsupported.iter().find(|(file, _)| tree.is_file(file));
    match language {
        Some((file, language)) => refuse(&format!(
            "this looks like a {language} app (`{file}`), which needs a `Dockerfile` in the repository"
        )),
        None => refuse(
            "no kind of app is recognised: add a `Dockerfile`, or one of `requirements.txt`, \
             `pyproject.toml`, `manage.py`, `package.json`, `index.html`",
        ),
    }
}

fn refuse(message: &str) -> Reason {
    Reason::new(ReasonCode::InvalidSource, message)
}
