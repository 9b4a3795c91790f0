//! Finding a Django project: `manage.py` wherever it is, its settings, its `wsgi` or `asgi` module.
//!
//! Nothing is executed; everything is read from the sources' text, which is how people write these
//! files. What the text does not give away is asked of Django itself while the image is built.

use super::database::Database;
use super::dependencies::Dependencies;
use super::settings;
use crate::source::path::{directory, join};
use crate::source::tree::SourceTree;

/// A Django project of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The directory of `manage.py`, empty for the root. Modules are found from here.
    pub directory: String,
    /// The settings module production uses: `shop.settings`.
    pub settings: String,
    /// Whether `manage.py` names another one, so that commands must be told.
    pub settings_differ: bool,
    pub entry: Entry,
    pub database: Database,
    /// Whether it says where static files are collected.
    pub has_static_root: bool,
    pub warnings: Vec<String>,
}

/// The module a server imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `shop.wsgi:application`.
    pub target: String,
    /// Its file, for people: `shop/wsgi.py`.
    pub file: String,
    pub is_asgi: bool,
}

/// The path of the tree's `manage.py`, the one nearest to the root.
pub fn manage_file(tree: &SourceTree) -> Option<&str> {
    tree.files_named("manage.py")
        .into_iter()
        .find(|path| tree.text(path).is_some_and(|text| text.contains("DJANGO_SETTINGS_MODULE")))
}

impl Project {
    /// The project of a `manage.py`; `None` when it has no module that a server could import.
    pub fn read(tree: &SourceTree, manage: &str, dependencies: &Dependencies) -> Option<Self> {
        let directory = directory(manage).to_owned();
        let own = named_settings(tree.text(manage)?)?;
        let own_text = settings::text(tree, &directory, &own);
        let entry = entry(tree, &directory, &own_text, dependencies)?;
        let entry_file = join(&directory, &entry.file);
        let settings =
            tree.text(&entry_file).and_then(named_settings).unwrap_or_else(|| own.clone());
        let text = own_text + &settings::text(tree, &directory, &settings);
        let file = join(&directory, &format!("{}.py", settings.replace('.', "/")));
        Some(Self {
            settings_differ: settings != own,
            database: Database::find(tree, &directory, &text),
            has_static_root: assigns(&text, "STATIC_ROOT"),
            warnings: warnings(tree.text(&file).unwrap_or_default(), &file),
            entry: Entry { file: entry_file, ..entry },
            directory,
            settings,
        })
    }
}

/// The module that `manage.py`, `wsgi.py` and `asgi.py` fall back to.
fn named_settings(text: &str) -> Option<String> {
    let after = text.split_once("DJANGO_SETTINGS_MODULE")?.1.get(1..)?;
    let start = after.find(['"', '\''])?;
    let quote = after[start..].chars().next()?;
    let module = after[start + 1..].split(quote).next()?;
    is_module(module).then(|| module.to_owned())
}

fn is_module(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

fn entry(tree: &SourceTree, root: &str, settings: &str, packages: &Dependencies) -> Option<Entry> {
    let wsgi = module(tree, root, settings, "WSGI_APPLICATION", "wsgi.py");
    let asgi = module(tree, root, settings, "ASGI_APPLICATION", "asgi.py");
    let wants_asgi = packages.has("channels")
        || packages.has("daphne")
        || (packages.has("uvicorn") && !packages.has("gunicorn"));
    let is_asgi = asgi.is_some() && (wants_asgi || wsgi.is_none());
    let (file, name) = if is_asgi { asgi? } else { wsgi? };
    let target = format!("{}:{name}", file.trim_end_matches(".py").replace('/', "."));
    Some(Entry { target, file, is_asgi })
}

/// The file, from the project's directory, and the variable of the named or usual module.
fn module(
    tree: &SourceTree,
    root: &str,
    settings: &str,
    setting: &str,
    usual: &str,
) -> Option<(String, String)> {
    let named = assigned_text(settings, setting).and_then(|value| {
        let (module, variable) = value.rsplit_once('.')?;
        let file = format!("{}.py", module.replace('.', "/"));
        tree.is_file(&join(root, &file)).then(|| (file, variable.to_owned()))
    });
    named.or_else(|| {
        let prefix = if root.is_empty() { String::new() } else { format!("{root}/") };
        let found = tree.files_named(usual);
        let file = found.iter().find_map(|path| path.strip_prefix(&prefix))?;
        Some((file.to_owned(), "application".to_owned()))
    })
}

/// The text of `NAME = "text"` at the start of a line.
fn assigned_text(text: &str, name: &str) -> Option<String> {
    let value = text.lines().rev().find_map(|line| {
        let rest = line.strip_prefix(name)?.trim_start();
        rest.strip_prefix('=').map(str::trim_start)
    })?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().filter(|value| is_module(value)).map(ToOwned::to_owned)
}

fn assigns(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start().strip_prefix(name);
        rest.is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
    })
}

/// Settings that do no good in production and cannot be changed from outside.
fn warnings(text: &str, file: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if line == "DEBUG = True" {
            warnings.push(format!("`DEBUG = True` in `{file}`: error pages will show the code"));
        }
        if line == "ALLOWED_HOSTS = []" {
            warnings.push(format!(
                "`ALLOWED_HOSTS = []` in `{file}`: read it from the environment, Slipway sets \
                 `ALLOWED_HOSTS` to the app's domains"
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_module_is_read_from_either_form() {
        let set = r#"os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")"#;
        assert_eq!(named_settings(set).as_deref(), Some("shop.settings"));
        let assigned = "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings.prod'";
        assert_eq!(named_settings(assigned).as_deref(), Some("config.settings.prod"));
        assert_eq!(named_settings("os.environ['DJANGO_SETTINGS_MODULE']"), None);
    }
}
