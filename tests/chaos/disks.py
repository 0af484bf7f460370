"""Small disks for the servers, which root alone can make and a fault can fill."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dev.harness.servers import temporary_root

SIZE = "400m"
_CHUNK = bytes(1 << 20)


def are_possible() -> bool:
    return os.geteuid() == 0


@contextmanager
def small_disks(count: int) -> Iterator[list[Path]]:
    """So many folders, each on a tmpfs of its own."""
    with ExitStack() as mounted:
        yield [mounted.enter_context(_small_disk()) for _ in range(count)]


@contextmanager
def _small_disk() -> Iterator[Path]:
    folder = temporary_root()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=True)
        folder.rmdir()


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is left on this disk while the block runs. It has to be one of ours, not the machine's."""
    assert os.path.ismount(folder.parent) or os.path.ismount(folder), f"{folder} is on no small disk"
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(_CHUNK):
            continue
    try:
        yield
    finally:
        ballast.unlink()
