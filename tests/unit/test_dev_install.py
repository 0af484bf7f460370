from pathlib import Path

import pytest

from dev import install

PIP = """\
Collecting alembic==1.20.1
  Downloading alembic-1.20.1-py3-none-any.whl (245 kB)
Requirement already satisfied: amqp==5.4.2
Collecting vine==5.1.0
Installing collected packages: vine, alembic
Successfully installed alembic-1.20.1 vine-5.1.0
"""


def test_each_package_that_is_fetched_is_a_step_and_so_is_the_unpacking() -> None:
    steps = list(install.progress(PIP.splitlines()))

    assert steps == ["1 alembic==1.20.1", "2 vine==5.1.0", "unpacking"]


def test_an_environment_that_is_missing_or_half_made_is_not_usable(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)

    assert not install.is_usable(tmp_path / "python")
    assert not install.is_usable(tmp_path / "nothing")


@pytest.mark.parametrize(
    "shebang", ["#!{}3.11", '#!/bin/sh\n\'\'\'exec\' "{}" "$0" "$@"', "#!/bin/sh\n'''exec' {} \"$0\""]
)
def test_an_environment_that_was_moved_is_known_by_the_path_in_its_scripts(shebang: str, tmp_path: Path) -> None:
    moved, home = tmp_path / "a b%c", tmp_path / "a b%c" / "x"
    for environment in (moved, home):
        (environment / "bin").mkdir(parents=True)
        (environment / "bin" / "pip").write_text(shebang.format(home / "bin" / "python"))

    assert install.is_at_home(home)
    assert not install.is_at_home(moved)
    assert not install.is_at_home(tmp_path / "nothing")
