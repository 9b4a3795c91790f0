//! Finding what serves in a Python app without Django: a Flask or FastAPI object, or a script.

use super::dependencies::Dependencies;
use crate::source::path::{directory, file_name};
use crate::source::tree::SourceTree;

/// What serves requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Web {
    /// An object that a server imports.
    App { framework: Framework, directory: String, target: String, file: String },
    /// A program that listens by itself.
    Script { file: String },
}

/// The frameworks that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    Flask,
    FastApi,
    Starlette,
}

impl Framework {
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Flask => "Flask",
            Self::FastApi => "FastAPI",
            Self::Starlette => "Starlette",
        }
    }

    /// Its package's normalised name.
    pub fn package(self) -> &'static str {
        match self {
            Self::Flask => "flask",
            Self::FastApi => "fastapi",
            Self::Starlette => "starlette",
        }
    }

    fn class(self) -> &'static str {
        self.title()
    }
}

/// File names that usually hold the app, the likeliest first.
const USUAL: [&str; 8] =
    ["wsgi.py", "asgi.py", "app.py", "main.py", "application.py", "server.py", "web.py", "run.py"];
/// Names that a script that serves usually has.
const SCRIPTS: [&str; 5] = ["web.py", "app.py", "main.py", "server.py", "run.py"];

impl Web {
    /// What serves in this tree, if anything is recognised.
    pub fn find(tree: &SourceTree, dependencies: &Dependencies) -> Option<Self> {
        let frameworks = [Framework::FastApi, Framework::Starlette, Framework::Flask];
        let used = frameworks.into_iter().find(|one| dependencies.has(one.package()));
        used.and_then(|framework| app(tree, framework)).or_else(|| {
            let script = SCRIPTS.iter().find(|name| tree.is_file(name))?;
            Some(Self::Script { file: (*script).to_owned() })
        })
    }
}

fn app(tree: &SourceTree, framework: Framework) -> Option<Web> {
    let mut sources: Vec<(&str, &str)> = tree.python_sources().collect();
    sources.retain(|(path, _)| !path.split('/').any(|part| part.starts_with("test")));
    sources.sort_by_key(|(path, _)| {
        let usual = USUAL.iter().position(|name| file_name(path) == *name);
        (path.matches('/').count(), usual.unwrap_or(USUAL.len()))
    });
    // An entry file that imports the object from elsewhere is meant to be used.
    let entry = sources.iter().find_map(|(path, text)| {
        let is_entry = matches!(file_name(path), "wsgi.py" | "asgi.py");
        let name = is_entry.then(|| imported(text)).flatten()?;
        Some((*path, name.to_owned()))
    });
    let defined = || {
        sources.iter().find_map(|(path, text)| Some((*path, variable(text, framework)?.to_owned())))
    };
    let factory = || {
        let has_factory = |text: &str| text.lines().any(|line| line.starts_with("def create_app("));
        let (path, _) = sources.iter().find(|(_, text)| has_factory(text))?;
        Some((*path, "create_app()".to_owned()))
    };
    let (file, name) = entry.or_else(defined).or_else(factory)?;
    let (root, module) = module(tree, file);
    Some(Web::App {
        framework,
        directory: root.to_owned(),
        target: format!("{module}:{name}"),
        file: file.to_owned(),
    })
}

/// `app` or `application`, when the file imports or assigns it at its top level.
fn imported(text: &str) -> Option<&'static str> {
    ["application", "app"].into_iter().find(|name| {
        text.lines().any(|line| {
            let assigned =
                line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
            let imports = line.starts_with("from ")
                && line.split_once(" import ").is_some_and(|(_, names)| {
                    names.split(',').any(|one| one.rsplit(' ').next() == Some(name))
                });
            assigned || imports
        })
    })
}

/// The name of the variable that holds the framework's object: `app = Flask(__name__)`.
fn variable(text: &str, framework: Framework) -> Option<&str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let name = name.split(':').next()?.trim_end();
        let value = value.trim_start();
        let value = value
            .rsplit_once('.')
            .filter(|(before, _)| !before.contains('('))
            .map_or(value, |(_, last)| last);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let constructs = value.strip_prefix(framework.class())?.trim_start().starts_with('(');
        (is_name && constructs).then_some(name)
    })
}

/// The directory to import from, and the module's dotted name there. Directories with an
/// `__init__.py` are packages and belong to the name.
fn module<'a>(tree: &SourceTree, file: &'a str) -> (&'a str, String) {
    let mut root = directory(file);
    while !root.is_empty() && tree.is_file(&format!("{root}/__init__.py")) {
        root = directory(root);
    }
    let inside = file.strip_prefix(root).unwrap_or(file).trim_start_matches('/');
    let dotted = inside.trim_end_matches(".py").replace('/', ".");
    (root, dotted.trim_end_matches(".__init__").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_found_in_the_usual_spellings() {
        let flask = |text: &'static str| variable(text, Framework::Flask);
        assert_eq!(flask("app = Flask(__name__)"), Some("app"));
        assert_eq!(flask("import flask\nserver = flask.Flask(__name__)"), Some("server"));
        assert_eq!(flask("app: Flask = Flask(__name__)"), Some("app"));
        assert_eq!(flask("    app = Flask(__name__)"), None);
        assert_eq!(flask("x = make(Flask)"), None);
        assert_eq!(variable("api = FastAPI(title='a.b')", Framework::FastApi), Some("api"));
    }

    #[test]
    fn an_entry_file_may_import_its_object() {
        assert_eq!(imported("from shop import app\n"), Some("app"));
        assert_eq!(
            imported("from shop import create_app\napplication = create_app()\n"),
            Some("application")
        );
        assert_eq!(imported("from shop import api as app, db\n"), Some("app"));
        assert_eq!(imported("import app\n"), None);
    }
}
