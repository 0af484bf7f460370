"""The committed JavaScript is what its sources compile to, and does what its own tests say."""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from common.core.timestamps import format_instant
from common.domain import periods, signing
from common.domain.boards import ScoreFormat
from web.pages.score_text import name_of, score_text

FRONTEND = Path(__file__).parents[2] / "web" / "pages" / "frontend"
OUTPUT = FRONTEND.parent / "static" / "js"
TSC = FRONTEND / "node_modules" / "typescript" / "bin" / "tsc"
REBUILD = "run `npm ci && npm run build` in web/pages/frontend and commit what it writes"

node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")


def recorded() -> dict[Path, str]:
    """What `npm run build` wrote down: the hash of each source and of each module made from them."""
    lines = (FRONTEND / "build.sha256").read_text().splitlines()
    pairs = (line.split("  ", 1) for line in lines)
    return {(FRONTEND / path).resolve(): digest for digest, path in pairs}


def test_no_source_and_no_module_changed_since_the_last_build() -> None:
    names = ("package.json", "package-lock.json", "tsconfig.json")
    sources = [path for folder in ("src", "types") for path in (FRONTEND / folder).rglob("*.ts")]
    files = [*(FRONTEND / name for name in names), *sources, *OUTPUT.rglob("*.js")]
    assert {path.resolve(): sha256(path.read_bytes()).hexdigest() for path in files} == recorded(), REBUILD


@node
@pytest.mark.skipif(not TSC.exists(), reason="TypeScript is not installed: `npm ci` in web/pages/frontend")
def test_the_modules_are_what_the_sources_compile_to(tmp_path: Path) -> None:
    compiled = run("node", TSC, "--project", FRONTEND, "--outDir", tmp_path)
    assert compiled.returncode == 0, compiled.stdout
    assert _contents(tmp_path) == _contents(OUTPUT), REBUILD


@node
def test_the_page_passes_its_own_tests() -> None:
    tested = run("node", "--test", *sorted((FRONTEND / "tests").glob("*.test.js")))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_page_is_tested_with_signatures_that_the_server_makes() -> None:
    vectors = json.loads((FRONTEND / "tests" / "signing_vectors.json").read_text())
    for vector in vectors:
        key = signing.from_base64url(vector["signingKey"])
        assert vector["signature"] == signing.sign(key, signing.score_update_text(*vector["claim"].values()))


def test_the_page_is_tested_with_periods_that_end_as_the_servers_do() -> None:
    vectors = json.loads((FRONTEND / "tests" / "period_vectors.json").read_text())
    for vector in vectors:
        ends_at = periods.parse(vector["period"]).ends_at
        assert ends_at
        assert vector["endsAt"] == format_instant(ends_at)


def test_the_page_is_tested_with_scores_as_the_server_writes_them() -> None:
    for vector in json.loads((FRONTEND / "tests" / "score_vectors.json").read_text()):
        kind, _, detail = vector["format"].partition(":")
        places, unit = (int(detail), None) if kind == "decimal" else (0, detail or None)
        how = ScoreFormat(kind, places, unit)
        assert score_text(vector["score"], how) == vector["text"]
        assert name_of(how) == vector["format"]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def _contents(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*.js") if "vendor" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in found}
