"""Which tests go to one of several processes together."""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling


class LoadFolders(LoadFileScheduling):  # type: ignore[misc]  # xdist has no type hints
    """A module goes to one process, and so do all modules of some folders, which share what is costly to start."""

    def __init__(self, config: pytest.Config, log: object, folders: Sequence[str]) -> None:
        super().__init__(config, log)
        self._folders = folders

    def _split_scope(self, nodeid: str) -> str:
        module: str = super()._split_scope(nodeid)
        return next((folder for folder in self._folders if module.startswith(folder)), module)
