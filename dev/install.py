"""Create the virtual environment from the locked requirements, or finish one that was interrupted.

`local` is for `make run`; `development` adds the requirements of the tests. It runs under the Python that `make` found,
before anything is installed, so it uses the standard library alone.
"""

import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

_OLDEST = (3, 11)


STAMPS = {"local": ("local",), "development": ("local", "development")}
"""The files in `.venv` that say what is installed. `make` compares their age with that of the requirements, and the
path in them with its own, because an environment that was moved with its folder has to be created anew."""


def main(name: str) -> None:
    environment = Path.cwd() / ".venv"
    python = environment / "bin" / "python"
    if not is_usable(python) or not is_at_home(environment):
        say(f"making {environment} with Python {sys.version.split()[0]}")
        venv.create(environment, clear=True, symlinks=True, with_pip=True)
    say("installing the locked requirements: a minute or two the first time")
    pip(python, "--require-hashes", "--requirement", f"requirements/{name}.txt")
    say("installing the scoreboard command")
    pip(python, "--no-deps", "--no-build-isolation", "--editable", ".")
    for stamp in STAMPS[name]:
        (environment / f"installed-{stamp}").write_text(f"{Path.cwd()}\n", encoding="utf-8")


def is_usable(python: Path) -> bool:
    """Return whether the environment works: an interrupted one has no pip, a moved one no Python."""
    check = f"import pip, sys; sys.exit(sys.version_info < {_OLDEST})"
    try:
        return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def is_at_home(environment: Path) -> bool:
    """Return whether the environment was created where it is now: its scripts name their Python by its whole path."""
    try:
        first = (environment / "bin" / "pip").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    python = environment / "bin" / "python"
    return any(f"{before}{python}" in first for before in ("#!", '"', "' "))


def pip(python: Path, *arguments: str) -> None:
    """Install, with a line per package. Ends the program with all that pip said if pip fails."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said: list[str] = []
        for step in progress(_kept(process.stdout or (), said)):
            say(f"  {step}")
    if process.returncode:
        sys.exit("".join(said))


def progress(lines: Iterable[str]) -> Iterator[str]:
    """Yield pip's output as steps: each package that it fetches, and the unpacking at the end."""
    fetched = 0
    for line in lines:
        if line.startswith("Collecting "):
            fetched += 1
            yield f"{fetched} {line.split()[1]}"
        elif line.startswith("Installing collected packages"):
            yield "unpacking"


def _kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    for line in lines:
        said.append(line)
        yield line


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress is for the person who waits


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("interrupted; the next `make` goes on from here")
