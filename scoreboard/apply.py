"""`scoreboard apply`: bring boards, actions, seasons and achievements to what a file says."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table
from sqlalchemy import Connection

from common.domain import catalogue_file
from common.domain.catalogue_file import ParsedFile
from common.domain.catalogue_plan import Change, Plan, Problem
from common.postgres import catalogue_changes
from scoreboard import operator, tables
from scoreboard.environment import connected, load_settings

EXIT_REFUSED, EXIT_DIFFERENT = 1, 3


class RefusedFileError(click.ClickException):
    """A file cannot be applied; nothing was changed. The message names every problem with its place."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        told = "\n".join(f"  {problem.path or 'the file'}: {problem.message}" for problem in problems)
        super().__init__(f"{path} is refused, and nothing was changed:\n{told}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show the differences; with any, the exit code is 3.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs.")
@click.option("--disable-missing", is_flag=True, help="Disable what FILE does not name. Boards never are.")
def apply(file: Path, *, dry_run: bool, as_json: bool, disable_missing: bool) -> int:
    """Bring boards, actions, seasons and achievements to what a file says.

    All of FILE is applied, or nothing; it may be applied again. What it does not name is left alone.
    """
    parsed = read(file)
    most_boards = load_settings().max_boards
    with connected() as engine, engine.begin() as connection:
        stored = (
            catalogue_changes.stored(connection)
            if dry_run
            else catalogue_changes.hold(connection, with_ledger=bool(parsed.seasons))
        )
        plan = catalogue_file.plan(parsed, stored, datetime.now(UTC), most_boards, disable_missing=disable_missing)
        if not dry_run and not plan.problems:
            write(connection, plan)
    missing = [
        *(f"boards.{board_id}" for board_id in catalogue_file.boards_missing(parsed, stored)),
        *(f"actions.{action_id}" for action_id in catalogue_file.actions_missing(parsed, stored)),
        *(f"seasons.{season}" for season in catalogue_file.seasons_missing(parsed, stored)),
        *(f"achievements.{each}" for each in catalogue_file.achievements_missing(parsed, stored)),
    ]
    if as_json:
        click.echo(json.dumps(_described(plan, missing, is_applied=not dry_run and not plan.problems)))
    elif plan.problems:
        raise RefusedFileError(file, plan.problems)
    else:
        _show(plan.changes, missing, dry_run=dry_run)
    if plan.problems:
        return EXIT_REFUSED
    return EXIT_DIFFERENT if dry_run and plan.changes else 0


def read(file: Path) -> ParsedFile:
    """Read a file. Raises click.ClickException if it cannot be read."""
    try:
        return catalogue_file.parse_toml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not text in UTF-8") from None


def write(connection: Connection, plan: Plan) -> None:
    """Write a plan without problems, with its row of the audit log. The transaction holds the catalogue."""
    if plan.changes:
        catalogue_changes.write(connection, plan)
        operator.record(connection, "apply_catalogue", "catalogue", changes=plan.described_changes())


def _described(plan: Plan, missing: list[str], *, is_applied: bool) -> dict[str, object]:
    if plan.problems:
        problems = [{"path": problem.path, "message": problem.message} for problem in plan.problems]
        return {"problems": problems, "applied": False}
    return {"changes": plan.described_changes(), "notInFile": missing, "applied": is_applied}


def _show(changes: list[Change], missing: list[str], *, dry_run: bool) -> None:
    if missing:
        click.echo(f"not in the file, and left alone: {', '.join(missing)}")
    if not changes:
        click.echo("nothing to do")
        return
    table = Table("what", "is", "will be" if dry_run else "is now")
    for change in changes:
        table.add_row(change.path, _cell(change.before), _cell(change.after))
    tables.show(table)
    click.echo(f"{len(changes)} differences" if dry_run else f"applied: {len(changes)} changes")


def _cell(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
