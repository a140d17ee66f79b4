"""README says what the program does: its tables and commands are the program's own."""

import json
import re
from pathlib import Path

import pytest

from heatproxy.settings import SETTINGS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def setting_row(name: str, default: object, sentence: str) -> str:
    shown = json.dumps(default)
    return f"| `{name}` | `{shown}` | {sentence.replace('|', '/')} |"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_stands_in_the_readme_with_its_default(setting: object) -> None:
    constraint = setting.constraint  # type: ignore[attr-defined]
    row = setting_row(setting.name, constraint.default, setting.sentence)  # type: ignore[attr-defined]
    assert row in README


def test_no_other_setting_stands_in_the_readme() -> None:
    table = README.partition("| setting | default | |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)) == {
        setting.name for setting in SETTINGS
    }


def test_the_first_screen_has_the_line_that_installs_and_runs_the_demo() -> None:
    first_screen = "\n".join(README.splitlines()[:45])
    assert "pip install . && .venv/bin/heatproxy demo" in first_screen
    assert ".venv/bin/pip install '.[test]' && .venv/bin/pytest" in first_screen


def test_every_place_the_readme_names_is_there() -> None:
    table = README.partition("## Where things live")[2]
    for name in re.findall(r"`([a-z]+(?:\.py|/))`", table):
        assert (ROOT / "heatproxy" / name).exists(), name


def test_the_settings_that_sighup_changes_are_those_the_readme_names() -> None:
    sentence = README.partition("named in the log as needing a restart: ")[2]
    named = re.findall(r"`([^`]+)`", sentence.partition("\n- ")[0])
    assert named == [setting.name for setting in SETTINGS if setting.live]
