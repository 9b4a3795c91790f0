//! Node.js apps: which Node, which package manager by lock file, what serves.

mod package;

use std::collections::BTreeMap;
use std::fmt::Write;

use slipway_core::process::Command;
use slipway_core::reason::{Reason, ReasonCode};

use self::package::{Lock, Package};
use super::base::{BaseNeed, Family};
use super::recipe::{BASE, Recipe, Surroundings, TREE, copy};
use super::tree::SourceTree;
use super::version::VersionWish;
use super::website;

/// The build argument that names the image which serves a built site.
const SITE_BASE: &str = "SLIPWAY_SITE_BASE";
/// Where npm keeps what it downloaded, between builds.
const CACHE: &str = "/var/cache/npm";

/// The recipe for a Node.js app; `None` when the tree is not one. `has_web` says that a `Procfile`
/// or manifest names what serves.
///
/// # Errors
/// When `package.json` cannot be read, or nothing in it serves or builds a site.
pub fn recipe(
    tree: &SourceTree,
    has_web: bool,
    around: &Surroundings<'_>,
) -> Result<Option<Recipe>, Reason> {
    let Some(text) = tree.text("package.json") else { return Ok(None) };
    let package = Package::parse(text, tree)?;
    let lock = Lock::find(tree, &package)?;
    let web = package.start_line(tree);
    if web.is_none() && !has_web && !package.has_build {
        return Err(Reason::new(
            ReasonCode::InvalidSource,
            "package.json: neither a `start` nor a `build` script: say what serves in `scripts.start`",
        ));
    }
    let builds_site = web.is_none() && !has_web;
    let image = Image { tree, package: &package, lock: &lock, around };
    let mut further_bases = BTreeMap::new();
    let mut additions = BTreeMap::new();
    if builds_site {
        let need = BaseNeed::Family { family: Family::Static, wish: None };
        further_bases.insert(SITE_BASE.to_owned(), need);
        additions
            .insert(website::CONFIGURATION.to_owned(), website::configuration(around.port, true));
    }
    Ok(Some(Recipe {
        base: BaseNeed::Family { family: Family::Node, wish: version(tree, &package) },
        further_bases,
        recognised: recognised(&lock, builds_site),
        dockerfile: if builds_site { image.site() } else { image.app() },
        additions,
        titles: image.titles(),
        excluded: &[".git", "node_modules"],
        web: if builds_site { Some(website::command()) } else { web.map(Command::Shell) },
        release: None,
        generated_config: Vec::new(),
        records_static_files: false,
        warnings: lock.warnings(),
    }))
}

fn recognised(lock: &Lock, builds_site: bool) -> String {
    let manager = lock.manager();
    if builds_site { format!("static site built with {manager}") } else { manager.to_owned() }
}

struct Image<'a> {
    tree: &'a SourceTree,
    package: &'a Package,
    lock: &'a Lock,
    around: &'a Surroundings<'a>,
}

impl Image<'_> {
    fn app(&self) -> String {
        let mut text = format!("ARG {BASE}\n");
        text.push_str(&self.around.stage(&format!("${{{BASE}}}")));
        let _ = writeln!(
            text,
            "ENV NODE_ENV=production HOME=/app PATH=/app/node_modules/.bin:$PATH\nEXPOSE {}\n\
             RUN useradd --uid 10001 --user-group --home-dir /app --no-create-home app \\\n \
             && mkdir --parents /app && chown app:app /app\nWORKDIR /app",
            self.around.port
        );
        text.push_str(&self.installation());
        if self.package.has_build {
            // The build writes wherever it likes, so the result is handed over as a whole.
            let _ =
                writeln!(text, "COPY --chown=app:app {TREE}/ ./\nRUN {}\nUSER app", self.build());
        } else {
            let _ = writeln!(text, "USER app\nCOPY --chown=app:app {TREE}/ ./");
        }
        text
    }

    fn site(&self) -> String {
        let mut text = format!("ARG {BASE}\nARG {SITE_BASE}\n");
        text.push_str(&self.around.stage(&format!("${{{BASE}}} AS build")));
        text.push_str("ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH\nWORKDIR /app\n");
        text.push_str(&self.installation());
        let _ = writeln!(
            text,
            "COPY {TREE}/ ./\nRUN {} \\\n && for site in dist dist/*/browser dist/* build out public; do \\\n \
             if [ -f \"$site/index.html\" ]; then mv \"$site\" /site && exit 0; fi; done; \\\n \
             echo 'no index.html in dist, build, out or public after the build'; exit 1",
            self.build()
        );
        text.push_str(&website::stage(&format!("${{{SITE_BASE}}}"), self.around.port));
        text.push_str("COPY --from=build /site/ /srv/\n");
        text
    }

    fn installation(&self) -> String {
        let mut text = String::new();
        for name in ["package.json", ".npmrc", self.lock.file()] {
            if !name.is_empty() && self.tree.is_file(name) {
                text.push_str(&copy(&format!("{TREE}/{name}"), &format!("./{name}")));
            }
        }
        // What a build needs is listed among the development packages.
        let cache = self.around.cache("npm", CACHE);
        let install = self.lock.installation(self.package.has_build);
        // Few tries: npm waits more than a minute for a registry that it will never trust.
        let _ = writeln!(
            text,
            "ARG npm_config_cache={CACHE}\nARG npm_config_fetch_retries=1\nARG npm_config_update_notifier=false\n\
             ARG npm_config_fund=false\nARG npm_config_audit=false\nRUN {cache} {install}"
        );
        text
    }

    fn build(&self) -> String {
        format!("{} run build", self.lock.manager())
    }

    fn titles(&self) -> BTreeMap<String, String> {
        let install = self.lock.installation(self.package.has_build);
        let count = self.package.dependencies;
        let noun = if count == 1 { "package" } else { "packages" };
        let title = format!("Installing {count} {noun} with {}", self.lock.manager());
        let build = self.build();
        [(install, title), (build.clone(), format!("Building: {build}"))].into()
    }
}

/// The version an app asks for, from the first file that says so.
fn version(tree: &SourceTree, package: &Package) -> Option<VersionWish> {
    let file = |name: &str| VersionWish::parse(tree.text(name)?, name);
    let engines = package.node_version.as_deref();
    engines
        .and_then(|text| VersionWish::parse(text, "package.json"))
        .or_else(|| file(".nvmrc"))
        .or_else(|| file(".node-version"))
}
