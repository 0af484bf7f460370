"""The commands by name. Each is imported only when it is used, so that the others cost no time."""

from importlib import import_module

import click

SUMMARIES = {
    "achievements": "List, make and change achievements, and take them back.",
    "actions": "List and change the actions of the catalogue.",
    "apply": "Bring boards, actions, seasons and achievements to what a file says.",
    "audit": "Read the audit log.",
    "backup": "Write all that PostgreSQL holds to a file, while the service runs.",
    "boards": "List, make, change, open, close and archive boards.",
    "catalogue": "Write boards, actions, seasons and achievements as a file.",
    "demo": "Let made-up players use the API like people, until Ctrl-C.",
    "events": "Let updates count no more, or again.",
    "export": "Write a whole board to a file, as it is or as it was.",
    "keys": "Create, list, rotate and revoke API keys.",
    "migrate": "Bring the database to this version and add the default catalogue.",
    "periods": "Archive days that are long over, and bring them back.",
    "players": "Import players of game servers, adjust scores, and take players off a board.",
    "quarantine": "List, retry and discard updates that could not be applied.",
    "rebuild": "Fill boards in Redis again from PostgreSQL.",
    "reset": "Take demo players away: their accounts, and all that they have scored.",
    "restore": "Bring the database to what a backup holds, while the service is stopped.",
    "seasons": "List, plan, end and delete the seasons of boards.",
    "users": "Create, list, suspend and reinstate accounts.",
    "verify": "Compare ledger, standings and Redis, player by player.",
}
"""The first sentence of each command's help; a test holds both equal."""

_MODULES = {"boards": "scoreboard.board_commands", "demo": "scoreboard.demo.command"}


class LazyGroup(click.Group):
    """A group of the commands in `SUMMARIES`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of this name."""
        del ctx
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(import_module(_MODULES.get(cmd_name, f"scoreboard.{cmd_name}")), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the summaries, without importing a command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(SUMMARIES.items()))
