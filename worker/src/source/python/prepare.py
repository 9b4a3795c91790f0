"""What a Django project needs done once, while its image is built.

Collects static files and records where they are, for the proxy; makes the database file of
projects that keep one beside the code. Settings may want configuration that a build does not have:
a variable whose absence stops them gets a throw-away value, and they are asked again.
"""

import base64
import json
import os
import re
import sys

import reuse

RECORD = "/slipway/static.json"
GUESSES = "SLIPWAY_PREPARE_GUESSES"
MOST_GUESSES = 50


def warn(text):
    print(" !     " + text, flush=True)


def throw_away(name):
    """A value in the form that settings expect of a variable with this name."""
    if "FERNET" in name or "ENCRYPTION" in name:
        return base64.urlsafe_b64encode(b"slipway".ljust(32, b".")).decode()
    if "SECRET" in name or "KEY" in name:
        return "throw-away-value-of-the-image-build-" + "0123456789" * 3
    if name == "DATABASE_URL":
        return "sqlite:////tmp/slipway-build.sqlite3"
    if name.endswith("DSN"):
        return "https://public@localhost/1"
    if name.endswith("_URL") and ("REDIS" in name or "BROKER" in name or "CACHE" in name):
        return "redis://localhost:6379/0"
    if name.endswith("_URL"):
        return "http://localhost"
    return "1"


def missing_variable(error):
    """The variable that settings stumbled over, if that is what happened."""
    text = str(error)
    if isinstance(error, KeyError):
        candidates = [str(error.args[0])] if error.args else []
    elif re.search("environ|env ?var|not found", text, re.IGNORECASE):
        candidates = re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", text)
    else:
        candidates = []
    names = [name for name in candidates if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)]
    return next((name for name in names if name not in os.environ), None)


def set_up():
    import django

    for name in ("SECRET_KEY", "DJANGO_SECRET_KEY"):
        os.environ.setdefault(name, throw_away(name))
    try:
        django.setup()
        return True
    except Exception as error:
        name = missing_variable(error)
        guesses = int(os.environ.get(GUESSES, "0"))
        if name is None or guesses >= MOST_GUESSES:
            warn("the settings cannot be loaded: %s: %s" % (type(error).__name__, error))
            return False
        # A fresh interpreter: half-imported settings cannot be imported again.
        os.environ[name] = throw_away(name)
        os.environ[GUESSES] = str(guesses + 1)
        os.execv(sys.executable, [sys.executable] + sys.argv)


def collects_to_disk():
    from django.conf import settings
    from django.contrib.staticfiles.storage import staticfiles_storage
    from django.core.management import get_commands

    if "collectstatic" not in get_commands():
        return False
    if not settings.STATIC_ROOT:
        warn("STATIC_ROOT is not set: static files are not collected")
        return False
    try:
        staticfiles_storage.path("")
    except NotImplementedError:
        print("static files are kept elsewhere by %s" % type(staticfiles_storage).__name__)
        return False
    return True


def collect():
    from django.conf import settings
    from django.core.management import call_command

    directory = os.path.abspath(str(settings.STATIC_ROOT))
    call_command("collectstatic", interactive=False, verbosity=0)
    record = {"url": settings.STATIC_URL, "directory": directory}
    reuse.keep(record)
    return record


def tell(record, remark):
    count = sum(len(files) for _, _, files in os.walk(record["directory"]))
    print("%d files in %s%s" % (count, record["directory"], remark))
    with open(RECORD, "w") as file:
        json.dump(record, file)


def make_database_files(owner):
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    for database in settings.DATABASES.values():
        path = str(database.get("NAME", ""))
        if os.path.isfile(path):
            os.chown(path, owner, owner)
            os.chown(os.path.dirname(os.path.abspath(path)), owner, owner)


def main():
    steps = sys.argv[2].split(",")
    record = reuse.collected() if "static" in steps else None
    if record:
        tell(record, " (unchanged)")
        steps.remove("static")
    if not steps:
        return
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", sys.argv[1])
    if not set_up():
        return
    if "static" in steps and collects_to_disk():
        tell(collect(), "")
    if "database" in steps:
        make_database_files(int(sys.argv[3]))


if __name__ == "__main__":
    main()
