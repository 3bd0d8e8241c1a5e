"""Nothing outside a test's own folder is read or written by default."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_support import CommandLine

SETTINGS = (
    "KUBECONFIG",
    "KUBELORE_SNAPSHOT",
    "KUBELORE_PATTERNS",
    "KUBELORE_EMBEDDER",
    "KUBELORE_CASEBOOK",
    "KUBELORE_KNOWLEDGE",
    "KUBELORE_MODEL",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder and an environment without the settings of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    return home


@pytest.fixture
def kubelore(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that others may enter, outside of the test's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)
