//! Where a Django project keeps its data, as far as its settings tell.

use std::path::Path;

use super::statements::statements;
use crate::source::path::{self, file_name};
use crate::source::tree::SourceTree;

/// Where a project keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Nowhere: its settings say so.
    None,
    /// Its settings name no database, and nothing shows that there is one.
    Unnamed,
    /// Always a SQLite file beside the code.
    FileInImage,
    /// Whatever its configuration says.
    Configured,
}

/// Words that tell of a database somewhere else, anywhere in the settings.
const ELSEWHERE: [&str; 7] =
    ["DATABASE_URL", "dj_database_url", "django_heroku", "postgres", "mysql", "oracle", "env.db"];
/// What reads the environment, or names a server.
const CONFIGURED: [&str; 9] =
    ["environ", "getenv", "env(", "env.", "config(", "'HOST'", "\"HOST\"", "'USER'", "\"USER\""];
/// Django's own apps that cannot do without a database.
const STORING: [&str; 6] = ["admin", "auth", "contenttypes", "flatpages", "redirects", "sites"];

impl Database {
    /// That of the project in a directory, by the text of its settings.
    pub fn find(tree: &SourceTree, directory: &str, settings: &str) -> Self {
        let statements = statements(settings);
        let named = statements.iter().map(String::as_str).filter(|line| is_about_databases(line));
        let (empty, filled): (Vec<_>, Vec<_>) = named.partition(|line| is_empty(line));
        let is_elsewhere = ELSEWHERE.iter().any(|sign| settings.contains(sign));
        if !filled.is_empty() {
            let is_file = !is_elsewhere && filled.iter().all(|line| is_file(line));
            return if is_file { Self::FileInImage } else { Self::Configured };
        }
        if settings.contains("django_heroku") {
            Self::Configured
        } else if !empty.is_empty() {
            Self::None
        } else if stores(&statements) || has_migrations(tree, directory) {
            Self::Configured
        } else {
            Self::Unnamed
        }
    }

    /// What people should know about it when they deploy.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::FileInImage => Some(
                "the SQLite file is part of the image: every instance has its own copy, and each \
                 deploy starts afresh; use a database server and `DATABASE_URL`",
            ),
            Self::Unnamed => Some(
                "no `DATABASES` found in the settings: `migrate` is not run; if there is a \
                 database, name it as `release` in a `Procfile`",
            ),
            Self::None | Self::Configured => None,
        }
    }
}

/// Whether a statement sets `DATABASES` or something in it.
fn is_about_databases(statement: &str) -> bool {
    let is_import = statement.trim_start().starts_with("from ");
    !is_import
        && statement.match_indices("DATABASES").any(|(index, name)| {
            let before = statement[..index].chars().next_back();
            let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"');
            let after = statement[index + name.len()..].trim_start();
            !before.is_some_and(is_inside) && after.starts_with(['=', ':', '[', '.', '|'])
        })
}

/// Whether a statement says that there is no database, in either of Django's forms.
fn is_empty(statement: &str) -> bool {
    let plain = |c: &char| !c.is_whitespace() && !matches!(c, '\'' | '"' | ',');
    let text: String = statement.chars().filter(plain).collect();
    text.starts_with("DATABASES") && (text.ends_with("={}") || text.ends_with("={default:{}}"))
}

/// Whether a statement proves a SQLite file, whatever the environment says.
fn is_file(statement: &str) -> bool {
    let engines: Vec<&str> = ["'ENGINE'", "\"ENGINE\""]
        .into_iter()
        .flat_map(|key| statement.split(key).skip(1))
        .collect();
    let is_detail = statement.trim_start().starts_with("DATABASES[") && statement.contains("][");
    !CONFIGURED.iter().any(|sign| statement.contains(sign))
        && engines.iter().all(|rest| is_sqlite(rest))
        && (is_detail || !engines.is_empty())
}

/// Whether what comes after the key is a plain text that names SQLite, and nothing more.
fn is_sqlite(rest: &str) -> bool {
    let value =
        rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ']' | '=' | ':'));
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return false;
    };
    value[1..].split_once(quote).is_some_and(|(engine, after)| {
        let after = after.trim_start();
        engine.ends_with("sqlite3") && (after.is_empty() || after.starts_with([',', '}']))
    })
}

/// Whether apps are installed that Django brings and that keep data.
fn stores(statements: &[String]) -> bool {
    STORING.iter().any(|app| {
        let name = format!("django.contrib.{app}");
        let endings = ["'", "\"", ".apps."];
        let is_named = |line: &String| {
            line.match_indices(&name).any(|(index, name)| {
                endings.iter().any(|ending| line[index + name.len()..].starts_with(ending))
            })
        };
        statements.iter().any(is_named)
    })
}

/// Whether the project has migrations of its own; a new app has only an empty package for them.
fn has_migrations(tree: &SourceTree, directory: &str) -> bool {
    tree.files().filter_map(|file| file.strip_prefix(directory)).any(|file| {
        let is_numbered = file_name(file).starts_with(|c: char| c.is_ascii_digit());
        is_numbered
            && (directory.is_empty() || file.starts_with('/'))
            && Path::new(file).extension().is_some_and(|end| end == "py")
            && file_name(path::directory(file)) == "migrations"
            && !file.contains("site-packages/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::tree;

    const FILE: &str = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n";

    fn database(settings: &str) -> Database {
        Database::find(&tree(&[("manage.py", "")]), "", settings)
    }

    #[test]
    fn a_database_that_configuration_may_move_is_not_taken_for_a_file() {
        assert_eq!(database(FILE), Database::FileInImage);
        for more in [
            "if 'DATABASE_URL' in os.environ:\n    pass\n",
            "if LIVE: DATABASES['default'] = elsewhere()\n",
            "DATABASES['default']['NAME'] = os.getenv('NAME')\n",
            "DATABASES.update(local)\n",
        ] {
            assert_eq!(database(&format!("{FILE}{more}")), Database::Configured, "{more}");
        }
        for value in [
            "os.environ.get('SQL_ENGINE', 'django.db.backends.sqlite3')",
            "ENGINE",
            "'django.db.backends.sqlite3' if DEBUG else ENGINE",
            "'django.db.backends.sqlite3', 'NAME': config('NAME', default='db')",
            "'django.db.backends.sqlite3', 'HOST': HOST",
        ] {
            let settings = format!("DATABASES = {{'default': {{'ENGINE': {value}}}}}\n");
            assert_eq!(database(&settings), Database::Configured, "{value}");
        }
    }

    #[test]
    fn a_file_is_recognised_whatever_is_written_around_it() {
        let settings = "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n# DATABASES = env()\n\
            DATABASES = {\n    \"default\": {  # 'HOST': 'db'\n        \
            \"ENGINE\": \"django.db.backends.sqlite3\",\n        \"NAME\": BASE_DIR / 'db',\n    }\n}\n\
            DATABASES['default']['ATOMIC_REQUESTS'] = True\nDATABASE_ROUTERS = []\n";
        assert_eq!(database(settings), Database::FileInImage);
    }

    #[test]
    fn settings_without_a_database_are_told_from_those_that_hide_it() {
        assert_eq!(database("DATABASES = {}\n"), Database::None);
        assert_eq!(database("DATABASES = {'default': {}}\n"), Database::None);
        let set = "DATABASES = {}\nDATABASES['default'] = elsewhere()\n";
        assert_eq!(database(set), Database::Configured);
        assert_eq!(database("# DATABASES = {}\n"), Database::Unnamed);
        assert_eq!(database("A = ['django.contrib.auth']\n"), Database::Configured);
        let without = "A = [\n    # 'django.contrib.auth',\n    'django.contrib.sessions',\n]\n\
            MIDDLEWARE = ['django.contrib.auth.middleware.AuthenticationMiddleware']\n";
        assert_eq!(database(without), Database::Unnamed);
        let migrated = tree(&[("backend/shop/migrations/0001_initial.py", "")]);
        assert_eq!(Database::find(&migrated, "backend", ""), Database::Configured);
        assert_eq!(Database::find(&migrated, "back", ""), Database::Unnamed);
    }
}
