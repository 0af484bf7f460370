"""Every example of the documents, run as it stands there against the running product."""

import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from dev.harness.stack import Stack
from dev.harness.waiting import wait_until
from tests.caller import Caller
from tests.docs.blocks import LONGEST_SECONDS, ROOT, aimed, blocks, run, running

PAGES_WITH_SHELL = ["README.md", "docs/quick-start.md", "docs/operations.md"]
API, LIVE, GAME_SERVERS, EXPORTS = "docs/api.md", "docs/live.md", "docs/game-servers.md", "docs/exports.md"
LANGUAGES = ("sh", "python", "javascript")
BROWSER = Path(__file__).with_name("browser.mjs")


@pytest.fixture(scope="module")
def node() -> str:
    """Node, without which the examples in JavaScript are skipped; continuous integration has it."""
    return shutil.which("node") or pytest.skip("Node is not installed")


@pytest.fixture(scope="module")
def tools() -> None:
    """What the shell blocks call; continuous integration has it."""
    missing = [name for name in ("bash", "curl", "openssl") if not shutil.which(name)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def shell_of_the_guide(tools: None, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the guide's shell blocks print; they also open the account that its other examples use."""
    Caller(stack, "somebody-else").update()  # a board with more than one player has more than one page
    return shell(API, stack, tmp_path_factory.mktemp("guide"))


def shell(page: str, stack: Stack, folder: Path) -> str:
    """All shell blocks of a page, in order and in one shell, as somebody who follows it would run them."""
    script = aimed("\n".join(blocks(page, "sh")), stack)
    # A viewer runs until Ctrl-C; here it is given two seconds.
    script = re.sub(r"^(\S*wsdump .*)$", r"timeout 2 \1 || true", script, flags=re.MULTILINE)
    return run(["bash", "-euo", "pipefail", "-c", script], stack, folder)


def saved(code: str, path: Path, stack: Stack) -> Path:
    path.write_text(aimed(code, stack), encoding="utf-8")
    return path


def no_error_in(output: str) -> bool:
    return '"error"' not in output


@pytest.mark.timeout(LONGEST_SECONDS + 60)
@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("page", PAGES_WITH_SHELL)
def test_the_shell_blocks_of_the_page_run_as_they_stand(stack: Stack, tmp_path: Path, page: str) -> None:
    output = shell(page, stack, tmp_path)

    assert no_error_in(output), output
    assert '"status":"applied"' in output or page == "docs/operations.md", output


def test_the_guides_shell_blocks_run_as_they_stand(shell_of_the_guide: str) -> None:
    lines = shell_of_the_guide.splitlines()

    assert no_error_in(shell_of_the_guide), shell_of_the_guide
    own, by_server = (
        lines[: lines.index('{"status":"logged_out"}')],
        lines[lines.index('{"status":"logged_out"}') + 1 :],
    )
    assert sum('"status":"applied"' in line for line in own) == 2, shell_of_the_guide
    assert by_server[0].startswith('{"accepted":1,"replayed":0,"refused":[{"index":1,"code":"unknown_user"')
    assert '"idempotencyKey":"match-4711-ada"' in by_server[1]  # applied, or not yet
    assert "304" in lines
    assert any('"found":true' in line for line in lines)
    assert lines[-1].startswith("OpenAPI 3.1")


@pytest.mark.usefixtures("shell_of_the_guide")
def test_the_guides_python_signs_and_sends(stack: Stack, tmp_path: Path) -> None:
    (example,) = blocks(API, "python")

    assert run(
        [sys.executable, "-W", "error", saved(example, tmp_path / "player.py", stack)], stack, tmp_path
    ).startswith("applied: 10 points")


@pytest.mark.usefixtures("shell_of_the_guide")
@pytest.mark.parametrize(("number", "points"), [(0, 25), (1, 1)], ids=["node", "browser"])
def test_the_guides_javascript_signs_and_sends(
    stack: Stack, tmp_path: Path, node: str, number: int, points: int
) -> None:
    program = saved(blocks(API, "javascript")[number], tmp_path / "player.mjs", stack)

    assert run([node, "--import", BROWSER, program], stack, tmp_path).startswith(f"applied: {points} points")


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_game_server_scores_its_first_player_as_the_page_says(
    stack: Stack, tmp_path: Path, tools: None, node: str, language: str
) -> None:
    shell(GAME_SERVERS, stack, tmp_path)
    ending, program = (".py", sys.executable) if language == "python" else (".mjs", node)
    (example,) = blocks(GAME_SERVERS, language)
    output = run([program, saved(example, tmp_path / f"game{ending}", stack)], stack, tmp_path)

    first = output.splitlines()[0].replace("'", '"')
    assert re.search(r'"accepted": ?1\b', first), output
    assert re.search(r'"status": ?"applied"', first), output
    if language == "python":
        assert "'externalId': 'steam:7656'" in output.splitlines()[1], output
    revoke = "umask 077; .venv/bin/scoreboard keys revoke $(sed -n 's/^id: //p' .secrets/my-game.key)"
    run(["bash", "-euc", aimed(revoke, stack)], stack, tmp_path)  # so that the next language makes it again


def test_results_are_had_as_a_file_and_the_ledger_is_followed_as_the_page_says(
    stack: Stack, tmp_path: Path, tools: None
) -> None:
    caller = Caller(stack, "archived")
    caller.update()
    assert "error" not in shell(EXPORTS, stack, tmp_path)
    assert caller.user_id in (tmp_path / "main-all.csv").read_text()
    program = saved(blocks(EXPORTS, "python")[0], tmp_path / "follow.py", stack)
    lines = run([sys.executable, "-W", "error::SyntaxWarning", program], stack, tmp_path).splitlines()
    assert any(caller.user_id in line for line in lines)
    assert lines[-1].startswith(f"{len(lines) - 1} new updates")
    (again,) = run([sys.executable, program], stack, tmp_path).splitlines()
    assert again == f"0 new updates, up to {lines[-1].rpartition(' ')[2]}"


def test_the_example_of_ones_own_place_gets_it(stack: Stack, tmp_path: Path) -> None:
    program = saved(blocks(LIVE, "python")[1], tmp_path / "me.py", stack)

    assert "'username': 'lovelace'" in run([sys.executable, program], stack, tmp_path)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_live_client_shows_every_change_and_comes_back_after_a_restart(
    stack: Stack, tmp_path: Path, request: pytest.FixtureRequest, language: str
) -> None:
    player, output = Caller(stack, f"live-{language}"), tmp_path / "output"
    if language == "python":
        command: list[str | Path] = [sys.executable, saved(blocks(LIVE, language)[0], tmp_path / "viewer.py", stack)]
    else:
        node: str = request.getfixturevalue("node")
        command = [node, "--import", BROWSER, saved(blocks(LIVE, language)[0], tmp_path / "viewer.mjs", stack)]

    def shows(score: int) -> bool:
        return re.search(rf"\d+\. live-{language} +{score}$", output.read_text(), re.MULTILINE) is not None

    with running(command, stack, output):
        player.update("win-tournament")
        wait_until(lambda: shows(100))
        player.update("win-tournament")
        wait_until(lambda: shows(200))
        stack.stop("web", signal.SIGTERM)
        stack.start("web")
        stack.wait_until_ready()
        player.update("win-tournament")
        wait_until(lambda: shows(300), 20)


def test_no_example_of_any_page_is_left_out() -> None:
    pages = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
    found = {(page, language): len(blocks(page, language)) for page in pages for language in LANGUAGES}

    shells = {page for page, language in found if language == "sh" and found[page, language]}
    programs = {key: count for key, count in found.items() if key[1] != "sh" and count}
    assert shells == {*PAGES_WITH_SHELL, API, GAME_SERVERS, EXPORTS}
    assert programs == {
        **{(API, "python"): 1, (API, "javascript"): 2, (LIVE, "python"): 2, (LIVE, "javascript"): 1},
        **{(GAME_SERVERS, "python"): 1, (GAME_SERVERS, "javascript"): 1, (EXPORTS, "python"): 1},
    }
