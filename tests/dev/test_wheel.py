import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from scoreboard.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_holds_the_product_and_takes_no_name_that_is_not_its_own(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "celeryconfig.py"):
        shutil.copy(ROOT / name, source / name)
    for name in ("requirements", "common", "dev", "bench", "scoreboard", "web", "workers"):
        left_out = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    (source / "tests").mkdir()
    (source / "tests" / "__init__.py").touch()

    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--wheel-dir", tmp_path, source], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(f"scoreboard-{VERSION}.dist-info/METADATA").decode()
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"celeryconfig.py", "common", "scoreboard", "web", "workers"}
    assert "License-Expression: MIT" in metadata
    assert "License-File: LICENSE" in metadata
