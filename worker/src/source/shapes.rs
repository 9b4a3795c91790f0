//! Repositories as they are found in the wild, and what is made of each.

use std::fmt::Write;

use super::base::Bases;
use super::plan::{BuildKind, BuildPlan, PlanInputs};
use super::sample::tree;

const MANAGE: &str =
    "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n";
const WSGI: &str = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n\
    application = get_wsgi_application()\n";
const SETTINGS: &str = "import os\nSECRET_KEY = os.environ['SECRET_KEY']\n\
    WSGI_APPLICATION = 'shop.wsgi.application'\nSTATIC_ROOT = BASE_DIR / 'staticfiles'\n\
    DATABASES = {'default': dj_database_url.config(default='sqlite:///db.sqlite3')}\n";

const POETRY: &str = "[tool.poetry.dependencies]\npython = '^3.11'\ndjango = '^5'\n";

fn plan(files: &[(&str, &str)]) -> BuildPlan {
    let inputs = PlanInputs { cache_scope: "app_1".to_owned(), ..PlanInputs::default() };
    BuildPlan::of(&tree(files), &inputs).unwrap()
}

fn refusal(files: &[(&str, &str)]) -> String {
    BuildPlan::of(&tree(files), &PlanInputs::default()).unwrap_err().message
}

/// The plan in words: what is recognised, what runs, what is worth a warning.
fn summary(files: &[(&str, &str)]) -> String {
    let plan = plan(files);
    let mut text = format!("{}\n", plan.headline(&Bases::new()));
    for need in plan.needs() {
        if let super::base::BaseNeed::Family { family, wish: Some(wish) } = need {
            let _ = writeln!(text, "  wants {} {wish}", family.title());
        }
    }
    let formation = plan.formation(&[], None);
    for (name, process) in &formation.processes {
        let port = process.port.map(|port| format!(" ({port})")).unwrap_or_default();
        let _ = writeln!(text, "  {name}{port}: {}", process.command.display());
    }
    if let Some(command) = &formation.release_command {
        let _ = writeln!(text, "  release: {}", command.display());
    }
    for warning in &plan.warnings {
        let _ = writeln!(text, "  ! {warning}");
    }
    text
}

fn dockerfile(files: &[(&str, &str)]) -> String {
    match plan(files).kind {
        BuildKind::Recipe(recipe) => recipe.dockerfile,
        BuildKind::Dockerfile { .. } => panic!("not a recipe"),
    }
}

#[test]
fn django_projects_are_recognised_wherever_they_are() {
    let usual = [
        ("manage.py", MANAGE),
        ("shop/settings.py", SETTINGS),
        ("shop/wsgi.py", WSGI),
        ("requirements.txt", "Django==5.2.1\ndj-database-url\n"),
    ];
    let below = [
        ("backend/manage.py", MANAGE),
        ("backend/shop/settings.py", SETTINGS),
        ("backend/shop/wsgi.py", WSGI),
        ("backend/requirements.txt", "django~=4.2\ngunicorn\n"),
        (".python-version", "3.12.4\n"),
        ("package.json", "{\"scripts\": {\"build\": \"tailwind\"}}"),
    ];
    let split = [
        (
            "manage.py",
            "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.local')\n",
        ),
        (
            "config/settings/base.py",
            "STATIC_ROOT = '/srv/static'\nWSGI_APPLICATION = 'config.wsgi.application'\nDATABASES = {'default': env.db('DATABASE_URL')}\n",
        ),
        ("config/settings/local.py", "from .base import *\n"),
        ("config/settings/production.py", "from .base import *\n"),
        (
            "config/wsgi.py",
            "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.production')\n",
        ),
        ("requirements/base.txt", "django==5.1.3\n"),
        ("requirements/production.txt", "-r base.txt\ngunicorn==23.0.0\npsycopg2==2.9\n"),
    ];
    let channels = [
        ("manage.py", MANAGE),
        ("shop/settings.py", "ASGI_APPLICATION = 'shop.asgi.application'\n"),
        ("shop/asgi.py", "application = 1\n"),
        ("shop/wsgi.py", WSGI),
        ("requirements.txt", "django\nchannels\ndaphne\n"),
    ];
    let plain = [
        ("manage.py", MANAGE),
        (
            "shop/settings.py",
            "DEBUG = True\nALLOWED_HOSTS = []\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}\n",
        ),
        ("shop/wsgi.py", WSGI),
    ];
    let shapes: Vec<String> =
        [&usual[..], &below, &split, &channels, &plain].into_iter().map(summary).collect();
    insta::assert_snapshot!(shapes.join("\n"));
}

#[test]
fn poetry_is_passed_over_where_something_else_names_the_packages() {
    let beside = [("pyproject.toml", POETRY), ("requirements.txt", "flask\n"), ("app.py", "")];
    assert_eq!(plan(&beside).headline(&Bases::new()), "Python, app.py");
    assert!(dockerfile(&beside).contains("requirements.txt"));
    let locked = [("pyproject.toml", POETRY), ("Pipfile", "[packages]\nflask = '*'\n")];
    assert!(dockerfile(&locked).contains("requirements.txt"));
    let below = [
        ("pyproject.toml", POETRY),
        ("backend/manage.py", MANAGE),
        ("backend/shop/settings.py", SETTINGS),
        ("backend/shop/wsgi.py", WSGI),
        ("backend/requirements.txt", "django==4.2\n"),
    ];
    assert!(dockerfile(&below).contains("backend/requirements.txt"));
    assert!(refusal(&below[..4]).contains("poetry export"));
}

#[test]
fn migrations_run_unless_the_settings_rule_a_database_server_out() {
    let release = |settings: &[(&'static str, &'static str)]| {
        let entry = [("manage.py", MANAGE), ("shop/wsgi.py", WSGI)];
        let files: Vec<_> = entry.iter().chain(settings).copied().collect();
        plan(&files).formation(&[], None).release_command.is_some()
    };
    let engine = "DATABASES = {'default': {\n    'ENGINE': os.environ.get('SQL_ENGINE', \
        'django.db.backends.sqlite3'),\n    'HOST': os.environ.get('SQL_HOST', 'localhost'),\n}}\n";
    assert!(release(&[("shop/settings.py", engine)]));
    let production = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n";
    assert!(release(&[
        ("shop/settings.py", "from .settings_base import *\n"),
        ("shop/settings_base.py", production),
    ]));
    assert!(release(&[
        ("shop/settings.py", "from shop.conf.base import *  # noqa\n"),
        ("shop/conf/base.py", "from ..parts import (\n    DATABASES,\n)\n"),
        ("shop/parts/__init__.py", production),
    ]));
    assert!(release(&[("shop/settings.py", "INSTALLED_APPS = ['django.contrib.auth']\n")]));
    assert!(release(&[("shop/settings.py", ""), ("shop/migrations/0001_initial.py", "")]));
    assert!(!release(&[("shop/settings.py", ""), ("shop/migrations/__init__.py", "")]));
    assert!(!release(&[("shop/settings.py", "DATABASES = {}\n")]));
}

#[test]
fn other_python_apps_are_recognised() {
    let flask = [
        ("requirements.txt", "Flask==3.0.3\n"),
        ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
    ];
    let package = [
        (
            "pyproject.toml",
            "[project]\nname = 'shop'\nrequires-python = '>=3.10'\ndependencies = ['flask>=3', 'requests']\n",
        ),
        ("src/shop/__init__.py", "def create_app():\n    pass\n"),
    ];
    let fastapi = [
        ("requirements.txt", "fastapi\n"),
        ("app/__init__.py", ""),
        ("app/main.py", "from fastapi import FastAPI\napi = FastAPI()\n"),
    ];
    let uv = [
        ("pyproject.toml", "[project]\ndependencies = ['fastapi[standard]']\n"),
        ("uv.lock", "version = 1\n"),
        ("main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
    ];
    let pipfile = [
        ("Pipfile", "[packages]\nflask = '*'\n[requires]\npython_version = '3.11'\n"),
        ("wsgi.py", "from shop import app as application\n"),
    ];
    let script = [("web.py", "print('hi')\n")];
    let runtime = [
        ("runtime.txt", "python-3.11.9\n"),
        ("requirements.txt", "flask\n"),
        ("main.py", "app = Flask('x')\n"),
    ];
    let shapes: Vec<String> = [&flask[..], &package, &fastapi, &uv, &pipfile, &script, &runtime]
        .into_iter()
        .map(summary)
        .collect();
    insta::assert_snapshot!(shapes.join("\n"));
}

#[test]
fn node_apps_and_sites_are_recognised() {
    let plain = [
        ("package.json", r#"{"scripts": {"start": "node server.js"}, "dependencies": {"a": "1"}}"#),
        ("package-lock.json", "{}"),
        ("server.js", ""),
    ];
    let hooks = [(
        "package.json",
        r#"{"scripts": {"prestart": "x", "start": "node a.js"}, "engines": {"node": "20.x"}}"#,
    )];
    let main = [
        ("package.json", r#"{"main": "lib/web.js"}"#),
        ("package-lock.json", "{}"),
        ("lib/web.js", ""),
        (".nvmrc", "v18\n"),
    ];
    let next = [
        (
            "package.json",
            r#"{"packageManager": "pnpm@9.1.0+sha512.abc", "scripts": {"build": "next build", "start": "next start"}}"#,
        ),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'"),
    ];
    let vite = [
        (
            "package.json",
            r#"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}"#,
        ),
        ("yarn.lock", "# yarn lockfile v1\n"),
    ];
    let site = [("index.html", "<h1>hi</h1>"), ("style.css", "")];
    let below = [("public/index.html", "<h1>hi</h1>"), ("README.md", "")];
    let shapes: Vec<String> =
        [&plain[..], &hooks, &main, &next, &vite, &site, &below].into_iter().map(summary).collect();
    insta::assert_snapshot!(shapes.join("\n"));
}

#[test]
fn a_procfile_and_a_manifest_override_what_is_recognised() {
    let django = [
        ("manage.py", MANAGE),
        ("shop/settings.py", SETTINGS),
        ("shop/wsgi.py", WSGI),
        ("requirements.txt", "django\n"),
    ];
    let with = |more: &[(&'static str, &'static str)]| {
        let files: Vec<_> = django.iter().chain(more).copied().collect();
        summary(&files)
    };
    let shapes = [
        with(&[(
            "Procfile",
            "web: gunicorn shop.wsgi # site\nworker: python jobs.py\nrelease: python manage.py migrate\n",
        )]),
        with(&[("Procfile", "release: ./release.sh\n")]),
        with(&[("Procfile", "worker: python jobs.py\n")]),
        with(&[(
            "slipway.toml",
            "[release]\ncommand = \"\"\n[processes.web]\nport = 9000\n[processes.clock]\ncommand = \"python clock.py\"\n",
        )]),
    ];
    insta::assert_snapshot!(shapes.join("\n"));
}

#[test]
fn a_dockerfile_wins_and_its_one_port_counts() {
    let files = [
        ("Dockerfile", "FROM python:3.11-slim\nEXPOSE 3000\n"),
        ("requirements.txt", "flask\n"),
        ("app.py", ""),
    ];
    let port = |files: &[(&str, &str)], exposed: &[u16]| {
        plan(files).formation(exposed, None).processes.values().next().unwrap().port
    };
    assert_eq!(port(&files, &[3000]), Some(3000));
    assert_eq!(port(&files, &[80, 443]), Some(8000));
    let declared: Vec<_> = files
        .iter()
        .chain(&[("slipway.toml", "[processes.web]\nport = 5000\n")])
        .copied()
        .collect();
    assert_eq!(port(&declared, &[3000]), Some(5000));
    insta::assert_snapshot!(summary(&files), @"
    Dockerfile (Dockerfile)
      web (8000): (image default)
    ");
}

#[test]
fn what_cannot_be_built_is_told_before_anything_is_built() {
    let told = [
        refusal(&[("README.md", "hello")]),
        refusal(&[("go.mod", "module x"), ("main.go", "")]),
        refusal(&[("package.json", "{\"scripts\": {}}")]),
        refusal(&[("package.json", "{")]),
        refusal(&[
            ("package.json", "{\"scripts\": {\"start\": \"x\"}}"),
            ("yarn.lock", "__metadata:\n"),
        ]),
        refusal(&[("requirements.txt", "flask\n\n-r more/base.txt\n")]),
        refusal(&[("requirements.txt", "flask\n-c ../outside.txt\n")]),
        refusal(&[("pyproject.toml", "[project\n")]),
        refusal(&[("pyproject.toml", POETRY), ("app.py", "")]),
        refusal(&[("app.py", ""), ("Procfile", "web python app.py\n")]),
        refusal(&[("app.py", ""), ("slipway.toml", "[process.web]\n")]),
        refusal(&[("app.py", ""), ("slipway.toml", "[processes.worker]\nmemory = \"1GB\"\n")]),
        refusal(&[
            ("app.py", ""),
            ("slipway.toml", "[build]\ndockerfile = \"deploy/Dockerfile\"\n"),
        ]),
        refusal(&[("app.py", ""), ("slipway.toml", "[build]\ndockerfile = \"../Dockerfile\"\n")]),
        refusal(&[("Dockerfile", "FROM x\nRNU y\n")]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_steering_file_must_be_a_regular_file() {
    use super::sample::Sample;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("source.tar.gz");
    for name in ["Procfile", "slipway.toml", "Dockerfile"] {
        let archive =
            Sample::new().file("app.py", "").link(tar::EntryType::Symlink, name, "app.py");
        archive.write(&path);
        let tree = super::tree::SourceTree::read(&path).unwrap();
        let refusal = BuildPlan::of(&tree, &PlanInputs::default()).unwrap_err().message;
        assert_eq!(refusal, format!("`{name}` must be a regular file"));
    }
}

#[test]
fn manifest_settings_reach_the_formation() {
    let manifest = "[processes.web]\nmemory = \"1GB\"\ncpu = 0.5\n[health]\npath = \"/up\"\n\
        boot_timeout = \"2m\"\n[rollout]\ndrain = \"10s\"\ngrace = \"5s\"\nobserve = \"0s\"\n\
        [release]\ncommand = \"python up.py\"\ntimeout = \"1h\"\n";
    let formation = plan(&[("app.py", ""), ("slipway.toml", manifest)]).formation(&[], None);
    insta::assert_json_snapshot!(formation);
}

#[test]
fn packages_are_installed_before_the_code_arrives() {
    let django = dockerfile(&[
        ("manage.py", MANAGE),
        ("shop/settings.py", SETTINGS),
        ("shop/wsgi.py", WSGI),
        ("requirements.txt", "-r requirements/base.txt\nDjango==5.2.1\n"),
        ("requirements/base.txt", "psycopg2\n"),
    ]);
    let uv = dockerfile(&[
        ("pyproject.toml", "[project]\ndependencies = ['fastapi']\n"),
        ("uv.lock", "version = 1\n"),
        ("main.py", "app = FastAPI()\n"),
    ]);
    let editable =
        dockerfile(&[("requirements.txt", "-e .\nflask\n"), ("app.py", "app = Flask('x')\n")]);
    let script = dockerfile(&[("web.py", "")]);
    let node = dockerfile(&[
        ("package.json", r#"{"scripts": {"start": "node x"}}"#),
        ("package-lock.json", "{}"),
        (".npmrc", ""),
    ]);
    let built = dockerfile(&[
        ("package.json", r#"{"scripts": {"build": "b", "start": "s"}}"#),
        ("package-lock.json", "{}"),
    ]);
    let site = dockerfile(&[
        ("package.json", r#"{"scripts": {"build": "vite build"}}"#),
        ("package-lock.json", "{}"),
    ]);
    let plain = dockerfile(&[("dist/index.html", "")]);
    for (name, text) in [
        ("django", django),
        ("uv", uv),
        ("editable", editable),
        ("script", script),
        ("node", node),
        ("node_built", built),
        ("node_site", site),
        ("site", plain),
    ] {
        insta::assert_snapshot!(format!("dockerfile_{name}"), text);
    }
}

#[test]
fn operator_arguments_and_certificates_reach_every_stage_on_a_base() {
    let inputs = PlanInputs {
        cache_scope: "app_1".to_owned(),
        arguments: [("PIP_INDEX_URL".to_owned(), "https://pip.example.com".to_owned())].into(),
        has_certificates: true,
    };
    let plan = BuildPlan::of(&tree(&[("web.py", "")]), &inputs).unwrap();
    let BuildKind::Recipe(recipe) = &plan.kind else { panic!("not a recipe") };
    assert!(recipe.dockerfile.contains("ARG PIP_INDEX_URL\n"));
    assert!(recipe.dockerfile.contains("ARG PIP_CERT="));
    assert_eq!(plan.arguments(&Bases::new())["PIP_INDEX_URL"], "https://pip.example.com");
}
