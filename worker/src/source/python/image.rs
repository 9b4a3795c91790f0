//! The Dockerfile of a Python app.
//!
//! What changes seldom comes first: packages are installed from the manifests alone, so that a
//! change of code reuses the layer; everything that only describes the image stands before the
//! code, where it costs nothing.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::database::Database;
use super::dependencies::{Dependencies, Kind};
use super::django::Project;
use crate::source::path::join;
use crate::source::recipe::{BASE, OWN, Surroundings, TREE, copy, quoted};

/// The user that apps run as.
pub const USER_ID: u32 = 10_001;
/// Two processes unless the app's configuration says otherwise; gunicorn and uvicorn both read it.
const WORKERS: u32 = 2;
/// What is done once while the image of a Django project is built, in two files.
const PREPARATION: [(&str, &str); 2] =
    [("prepare.py", include_str!("prepare.py")), ("reuse.py", include_str!("reuse.py"))];
/// Where `reuse.py` keeps what it collected, between builds.
const COLLECTED: &str = "/slipway-cache";
/// Where pip keeps what it downloaded, between builds.
const CACHE: &str = "/var/cache/pip";
const REQUIREMENTS: &str = "requirements.txt";

/// Distribution packages that the build of a Python package needs.
const SYSTEM_PACKAGES: [(&str, &str); 2] = [
    ("psycopg2", "gcc libc6-dev libpq-dev"),
    ("mysqlclient", "gcc libc6-dev pkg-config default-libmysqlclient-dev"),
];

/// What goes into the image of a Python app.
pub struct Image<'a> {
    pub dependencies: &'a Dependencies,
    pub project: Option<&'a Project>,
    /// Packages that serve the app, where it names none itself.
    pub servers: Vec<&'static str>,
}

impl Image<'_> {
    /// The whole text.
    pub fn dockerfile(&self, around: &Surroundings<'_>) -> String {
        let mut text = format!("ARG {BASE}\n");
        text.push_str(&around.stage(&format!("${{{BASE}}}")));
        let _ = writeln!(
            text,
            "ARG PIP_DISABLE_PIP_VERSION_CHECK=1\nARG PIP_ROOT_USER_ACTION=ignore\n\
             ARG PIP_PROGRESS_BAR=off\nARG PIP_CACHE_DIR={CACHE}"
        );
        let _ = writeln!(text, "ENV {}", self.environment());
        let _ = writeln!(text, "EXPOSE {}", around.port);
        let _ = writeln!(
            text,
            "RUN useradd --uid {USER_ID} --user-group --home-dir /app --no-create-home app \\\n \
             && mkdir --parents /app /slipway && chown app:app /app /slipway\nWORKDIR /app"
        );
        if let Some(packages) = self.system_packages() {
            let _ = writeln!(
                text,
                "RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends \
                 {packages} \\\n > /dev/null && rm -rf /var/lib/apt/lists/*"
            );
        }
        text.push_str(&self.installation(around));
        text.push_str(&self.code(around));
        text
    }

    fn environment(&self) -> String {
        let mut pairs = vec![
            "PYTHONUNBUFFERED=1".to_owned(),
            "HOME=/app".to_owned(),
            // The only peer is the proxy: what it says about the client is true.
            "FORWARDED_ALLOW_IPS=*".to_owned(),
            format!("WEB_CONCURRENCY={WORKERS}"),
        ];
        if let Some(project) = self.project {
            if !project.directory.is_empty() {
                pairs.push(format!("PYTHONPATH=\"/app/{}\"", project.directory));
            }
            if project.settings_differ {
                pairs.push(format!("DJANGO_SETTINGS_MODULE={}", project.settings));
            }
        } else if matches!(self.dependencies.kind, Kind::Listed { .. } | Kind::Uv { .. }) {
            // The usual layout of a project with `pyproject.toml`.
            pairs.push("PYTHONPATH=/app:/app/src".to_owned());
        }
        pairs.join(" ")
    }

    fn system_packages(&self) -> Option<String> {
        let mut wanted: Vec<&str> = SYSTEM_PACKAGES
            .iter()
            .filter(|(package, _)| self.dependencies.has(package))
            .map(|(_, wanted)| *wanted)
            .collect();
        if !wanted.is_empty() {
            // Images that were made for Python bring its headers along.
            wanted.push("$(test -f /usr/local/include/python3.*/Python.h || echo python3-dev)");
        }
        if let Kind::File { requirements, .. } = &self.dependencies.kind
            && requirements.needs_git
        {
            wanted.push("git");
        }
        (!wanted.is_empty()).then(|| wanted.join(" "))
    }

    fn installation(&self, around: &Surroundings<'_>) -> String {
        let mut text = String::new();
        let mut commands = Vec::new();
        match &self.dependencies.kind {
            Kind::None => {}
            Kind::File { requirements, .. } if requirements.needs_tree => {
                let _ = writeln!(text, "COPY {TREE}/ ./");
                commands.push(format!("pip install {}", self.listed()));
            }
            Kind::File { requirements, .. } => {
                for file in &requirements.files {
                    text.push_str(&copy(&format!("{TREE}/{file}"), &format!("./{file}")));
                }
                commands.push(format!("pip install {}", self.listed()));
            }
            Kind::Listed { .. } => {
                let _ = writeln!(text, "COPY {OWN}/{REQUIREMENTS} /slipway/");
                commands.push(format!("pip install {}", self.listed()));
            }
            Kind::Uv { directory } => {
                for name in ["pyproject.toml", "uv.lock"] {
                    let path = join(directory, name);
                    text.push_str(&copy(&format!("{TREE}/{path}"), &format!("/slipway/uv/{name}")));
                }
                commands.push("pip install uv".to_owned());
                commands.push(format!(
                    "uv export --quiet --directory /slipway/uv --frozen --no-dev --no-emit-project \
                     --output-file /slipway/{REQUIREMENTS}"
                ));
                commands.push(format!("pip install {}", self.listed()));
            }
        }
        if !self.servers.is_empty() {
            // On its own: beside a file with hashes pip would want hashes for these as well.
            commands.push(format!("pip install {}", self.servers.join(" ")));
        }
        if !commands.is_empty() {
            let cache = around.cache("pip", CACHE);
            let _ = writeln!(text, "RUN {cache} {}", commands.join(" \\\n && "));
        }
        text
    }

    fn listed(&self) -> String {
        match &self.dependencies.kind {
            Kind::File { path, .. } => format!("-r {}", quoted(path)),
            Kind::Listed { .. } | Kind::Uv { .. } => format!("-r /slipway/{REQUIREMENTS}"),
            Kind::None => String::new(),
        }
    }

    fn code(&self, around: &Surroundings<'_>) -> String {
        let steps = self.preparation();
        let Some(project) = self.project.filter(|_| !steps.is_empty()) else {
            return format!("USER app\nCOPY --chown=app:app {TREE}/ ./\n");
        };
        let directory = join("/app", &project.directory);
        let directory = directory.trim_end_matches('/');
        // As root: projects collect into directories outside of the app's own.
        format!(
            "COPY {OWN}/prepare.py {OWN}/reuse.py /slipway/\nCOPY --chown=app:app {TREE}/ ./\n\
             RUN {} cd {} && python /slipway/prepare.py {} {} {USER_ID}\nUSER app\n",
            around.cache("static", COLLECTED),
            quoted(directory),
            project.settings,
            steps.join(","),
        )
    }

    fn preparation(&self) -> Vec<&'static str> {
        let Some(project) = self.project else { return Vec::new() };
        let database = project.database == Database::FileInImage;
        let wanted = [("static", project.has_static_root), ("database", database)];
        wanted.iter().filter(|(_, wanted)| *wanted).map(|(step, _)| *step).collect()
    }

    /// Whether the build records static files.
    pub fn collects_static_files(&self) -> bool {
        self.preparation().contains(&"static")
    }

    /// Slipway's own files in the context.
    pub fn additions(&self) -> BTreeMap<String, String> {
        let mut additions = BTreeMap::new();
        if let Kind::Listed { lines, .. } = &self.dependencies.kind {
            additions.insert(REQUIREMENTS.to_owned(), lines.join("\n") + "\n");
        }
        if !self.preparation().is_empty() {
            let files = PREPARATION.map(|(name, text)| (name.to_owned(), text.to_owned()));
            additions.extend(files);
        }
        additions
    }

    /// What the steps are called in the log.
    pub fn titles(&self) -> BTreeMap<String, String> {
        let count = self.dependencies.packages.len() + self.servers.len();
        let noun = if count == 1 { "package" } else { "packages" };
        let origin = match &self.dependencies.kind {
            Kind::File { path, .. } => format!(" of {path}"),
            Kind::Listed { origin, .. } => format!(" of {origin}"),
            Kind::Uv { directory } => format!(" of {}", join(directory, "uv.lock")),
            Kind::None => String::new(),
        };
        let prepare = match self.preparation().as_slice() {
            ["database"] => "Making the database file",
            _ => "Collecting static files",
        };
        let titles = [
            ("pip install", format!("Installing {count} {noun}{origin}")),
            ("apt-get install", "Installing distribution packages".to_owned()),
            ("python /slipway/prepare.py", prepare.to_owned()),
        ];
        titles.map(|(step, title)| (step.to_owned(), title)).into()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    const GUESSES: &str = "import base64, prepare\n\
        for name in ('SENTRY_DSN', 'API_URL', 'REDIS_URL', 'DATABASE_URL', 'DEBUG'):\n    \
        print(prepare.throw_away(name))\n\
        for name in ('FERNET_KEYS', 'FIELD_ENCRYPTION_KEY'):\n    \
        print(len(base64.urlsafe_b64decode(prepare.throw_away(name))))\n\
        print(len(prepare.throw_away('JWT_KEY')) > 50)\n";

    #[test]
    fn throw_away_values_have_the_form_that_their_names_promise() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/python");
        let mut python = Command::new("python3");
        python.args(["-B", "-c", GUESSES]).env_clear().env("PYTHONPATH", directory);
        python.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = python.output().expect("python3 is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout), @"
        https://public@localhost/1
        http://localhost
        redis://localhost:6379/0
        sqlite:////tmp/slipway-build.sqlite3
        1
        32
        32
        True
        ");
    }
}
