"""The file of a backup: an archive of `pg_dump`, and behind it one line that says what the archive holds.

The line comes last and ends with a digest of all that stands before, so a file that was cut off or changed is known for
one. `pg_restore` reads the file as it is, too: an archive says itself where each of its parts stands.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from common.domain.signing import sign

_ARCHIVE = b"PGDMP"
"""The first bytes of an archive in pg_dump's format `custom`."""

_MARK = b"\nscoreboard-backup "
_LONGEST_LINE = 65_536
_CHUNK = 1_048_576
_DIGEST_LENGTH = 64

Progress = Callable[[int], None]
"""It is called with the number of bytes that were read since the last call."""


class UnfitFileError(Exception):
    """The file is no backup, or not a whole one. The message says which, and begins with the file's name."""


class Contents(BaseModel):
    """What a backup holds: of which version and when, and the number of rows of each table."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    product: str
    schema_version: str
    namespace: str
    postgresql: int
    taken_at: str
    key: str
    rows: dict[str, int]


def mark_of_key(secret_key: bytes) -> str:
    """Return a text by which a secret key is known again, and which tells nothing of it."""
    return sign(secret_key, b"scoreboard backup")[:16]


def seal(path: Path, contents: Contents) -> None:
    """Write the line behind the archive in this file, and have all of it on the disk."""
    with path.open("r+b") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        line = _MARK + contents.model_dump_json().encode() + b" "
        digest.update(line)
        file.write(line + digest.hexdigest().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, progress: Progress = lambda _: None) -> Contents:
    """Return what a backup holds, once the whole file was read and found to be as it was written.

    Raises UnfitFileError, or OSError for a file that cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_ARCHIVE)) != _ARCHIVE:
            raise UnfitFileError(f"{path} is no backup")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_LINE))
        _, mark, line = file.read().rpartition(_MARK)
        if not mark:
            raise UnfitFileError(f"{path} is cut off, or was not made by `scoreboard backup`: its last line is missing")
        told, _, ending = line.rpartition(b" ")
        covered = size - len(ending)
        file.seek(0)
        digest = hashlib.sha256()
        while covered:
            chunk = file.read(min(_CHUNK, covered))
            if not chunk:
                raise UnfitFileError(f"{path} became shorter while it was read")
            digest.update(chunk)
            covered -= len(chunk)
            progress(len(chunk))
    if len(ending) != _DIGEST_LENGTH + 1 or not hmac.compare_digest(digest.hexdigest().encode() + b"\n", ending):
        raise UnfitFileError(f"{path} is damaged: it is not what was written")
    try:
        return Contents.model_validate_json(told)
    except ValidationError:
        raise UnfitFileError(
            f"{path} was made by a version of `scoreboard backup` that this one does not know"
        ) from None
