"""Static files collected by an earlier build, when nothing that made them has changed.

A full run loads the whole project; most changes of code touch nothing that it would read. So a run
notes what it read: the project's modules that were imported, the static sources, and the
directories in which more of them could appear. A later build compares, without loading anything.
"""

import glob
import hashlib
import json
import os
import shutil
import sys

CACHE = "/slipway-cache"
STATE = os.path.join(CACHE, "state.json")
FILES = os.path.join(CACHE, "files")
PROJECT = "/app"


def digest(path):
    """The content of a file in short, or None when there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def listing(directory):
    """The files below a directory, empty when there is none."""
    found = []
    for where, _, names in os.walk(directory):
        found += [os.path.relpath(os.path.join(where, name), directory) for name in names]
    return sorted(found)


def surroundings():
    """What a run depends on besides the project: how it is called, and the installed packages."""
    packages = [entry for path in sys.path for entry in glob.glob(path + "/*.dist-info")]
    return [sys.version, sys.argv, sorted(packages), digest(__file__)]


def is_own(path):
    return os.path.realpath(path).startswith(PROJECT + os.sep)


def collected():
    """The record of the earlier build with its files in place, or None when a run is due."""
    try:
        with open(STATE) as file:
            state = json.load(file)
    except (OSError, ValueError):
        return None
    is_same = (
        state["surroundings"] == json.loads(json.dumps(surroundings()))
        and all(digest(path) == known for path, known in state["files"].items())
        and all(listing(path) == known for path, known in state["directories"].items())
    )
    if not is_same:
        return None
    record = state["record"]
    shutil.copytree(FILES, record["directory"], dirs_exist_ok=True)
    return record


def keep(record):
    """Notes what the run that just ended has read, with its result."""
    from django.apps import apps
    from django.contrib.staticfiles.finders import get_finders

    if not os.path.isdir(CACHE):
        return
    files = {module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    directories = {os.path.join(config.path, "static") for config in apps.get_app_configs()}
    for finder in get_finders():
        for path, storage in finder.list([]):
            files.add(storage.path(path))
            directories.add(storage.path(""))
    state = {
        "surroundings": surroundings(),
        "files": {path: digest(path) for path in files if is_own(path)},
        "directories": {path: listing(path) for path in directories if is_own(path)},
        "record": record,
    }
    # The note goes first and comes last: without it, files that are half there count for nothing.
    if os.path.exists(STATE):
        os.unlink(STATE)
    shutil.rmtree(FILES, ignore_errors=True)
    shutil.copytree(record["directory"], FILES)
    with open(STATE, "w") as file:
        json.dump(state, file)
