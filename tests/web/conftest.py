"""An application on a test's own database, people to sign in as, and the small world of `tests.factories`."""

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache

from tests import factories
from tests.web.browser import Browser
from web.app import create_app
from web.services import Services
from workflow import clock
from workflow.db import Database
from workflow.models import Person, RoleGrant
from workflow.settings import settings
from workflow.use_cases import passwords

PASSWORD = "quatre mots sans lien dehors"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real hashes take as long as they should; tests need not."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


_APPS: dict[tuple[tuple[str, str], ...], Flask] = {}
"""The applications of this worker that tests take up again, by what their settings say beyond the usual."""


@pytest.fixture(scope="session")
def compiled_templates(run_folder: Path) -> BytecodeCache:
    """Templates compiled once for all workers: every test has an application of its own, which would compile anew."""
    folder = run_folder / "templates"
    folder.mkdir(exist_ok=True)
    return FileSystemBytecodeCache(str(folder))


@pytest.fixture
def make_app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiled_templates: BytecodeCache
) -> Iterator[Callable[..., Flask]]:
    """Makes applications on a database, with settings as an environment would give them."""
    apps: list[Flask] = []

    def make(url: str, *, again: bool = False, **environment: str) -> Flask:
        """`again` takes up the application that an earlier test made with the same settings, on this database:
        making one takes longer than most tests do."""
        values = {"DATABASE_URL": url, "INSTANCE": str(tmp_path / "instance"), "SECRET_KEY": "k" * 40, **environment}
        for name, value in values.items():
            monkeypatch.setenv(f"BINOME_{name}", value)
        settings.cache_clear()
        place = tuple(sorted(environment.items()))
        app = _APPS.get(place) if again else None
        if app is None:
            app = create_app()
            app.jinja_env.bytecode_cache = compiled_templates
            if again:
                _APPS[place] = app
        else:
            former: Services = app.extensions["binome"]
            app.extensions["binome"] = Services(settings(), Database(settings().url()), former.accesses)
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions["binome"].database.dispose()
    settings.cache_clear()


@pytest.fixture
def app(make_app: Callable[..., Flask], sqlite_url: str) -> Flask:
    """An application on SQLite; errors are answered as they would be in service."""
    return make_app(sqlite_url)


@pytest.fixture
def database(app: Flask) -> Database:
    """The application's database."""
    parts: Services = app.extensions["binome"]
    return parts.database


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A visitor who is not signed in."""
    return Browser(app)


_rank = count(1)


@pytest.fixture
def person(database: Database) -> Callable[..., Person]:
    """Makes people: `person("animator", instance_id=3)`; their password is PASSWORD."""

    def make(*roles: str, name: str | None = None, **values: Any) -> Person:
        scope: dict[str, int] = {
            key: values.pop(key) for key in ("instance_id", "institution_id", "organisation_id") if key in values
        }
        own = scope.get("institution_id") if "instance_id" in scope else values.pop("own_institution_id", None)
        held = {"funder": "institution_id", "carrier": "organisation_id"}
        with database.write() as session:
            made = Person(
                email=f"person{next(_rank)}@binome.test",
                name=name or " ".join(roles) or "Quelqu'un",
                password_hash=passwords.hash_password(PASSWORD),
                created_at=clock.now(),
                institution_id=own,
                **values,
            )
            session.add(made)
            session.flush()
            for role in roles:
                column = held.get(role, "instance_id" if role in ("animator", "instructor", "evaluator") else "")
                where = {column: scope[column]} if column else {}
                session.add(RoleGrant(person_id=made.id, role=role, granted_at=clock.now(), **where))
        return made

    return make


@pytest.fixture
def as_person(app: Flask) -> Callable[[Person], Browser]:
    """A browser in which a person is signed in."""
    return lambda who: Browser(app).sign_in(who)


# The small world: a campaign under way, and a person for every role


@pytest.fixture(scope="session")
def world_file(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, factories.World]:
    """A SQLite file that holds the world, made once to be copied."""
    file = shutil.copyfile(migrated_sqlite_file, tmp_path_factory.mktemp("world") / "world.sqlite3")
    database = Database(f"sqlite:///{file}")
    world = factories.build(database)
    with database.writer.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return file, world


class Town:
    """The world with an application on it: walks of dossiers, and a browser for each of its people."""

    def __init__(self, app: Flask, world: factories.World) -> None:
        self.app, self.world = app, world
        self.database: Database = app.extensions["binome"].database

    def walk(self) -> factories.Walk:
        """A dossier to be walked to where a test begins: `town.walk().assigned()`."""
        return factories.Walk(self.database, self.world)

    def browser(self, who: str) -> Browser:
        """A browser in which one of the world's people is signed in: `town.browser("animator")`."""
        with self.database.read() as session:
            return Browser(self.app).sign_in(session.get_one(Person, self.world.people[who]))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the time that pages go by."""
    return lambda instant: monkeypatch.setattr(clock, "now", lambda: instant)


@pytest.fixture
def town(
    make_app: Callable[..., Flask],
    world_file: tuple[Path, factories.World],
    tmp_path: Path,
    at: Callable[[datetime], None],
) -> Town:
    """The world on SQLite, at the time at which it begins."""
    at(factories.NOW)
    file, world = world_file
    url = f"sqlite:///{shutil.copyfile(file, tmp_path / 'town.sqlite3')}"
    return Town(make_app(url, again=True), deepcopy(world))


@pytest.fixture
def any_town(make_app: Callable[..., Flask], database_url: str, at: Callable[[datetime], None]) -> Town:
    """The world on each kind of database; where the kind does not matter, `town` is quicker."""
    at(factories.NOW)
    app = make_app(database_url, again=True)
    return Town(app, factories.build(app.extensions["binome"].database))
