"""A folder that every user can enter, and a project of dummies in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.harness.servers import temporary_root
from tests.dev.dummy import Project


@pytest.fixture
def root() -> Iterator[Path]:
    folder = temporary_root()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def project(root: Path) -> Project:
    return Project(root)
