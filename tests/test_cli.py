"""The command line says what is wrong in one line, and what there is to do."""

from pathlib import Path

import pytest

from heatproxy.cli import main

COMMANDS = ("up", "demo", "mysql", "check", "bench")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"heatproxy {command}" in capsys.readouterr().out


def test_help_and_readme_know_the_same_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for command in COMMANDS:
        assert f"\n    {command} " in said
        assert f"heatproxy {command}" in readme


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["up", "--listen", "nowhere"], "listen must be HOST:PORT"),
        (["up", "--backend", "postgres://x"], "does not begin with mysql://"),
        (["up", "--config", "/no/such/file.toml"], "/no/such/file.toml can't be read"),
        (["mysql", "--data-dir", "/no/such"], "start `heatproxy up` first"),
        (["bench", "--data-dir", "/no/such"], "start heatproxy up"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_1(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert expected in said.err
    assert said.err.count("\n") == 1


def test_a_password_in_a_wrong_backend_url_is_not_repeated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["up", "--backend", "mysql://me:hunter2@host:1/db?x"]) == 1
    assert "hunter2" not in capsys.readouterr().err


def test_an_unknown_setting_is_refused_with_the_nearest_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "heatproxy.toml"
    file.write_text('lisen = "127.0.0.1:1"\n')
    assert main(["up", "--config", str(file)]) == 1
    assert "did you mean listen?" in capsys.readouterr().err


def test_check_says_what_it_finds_without_starting_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "listens on 127.0.0.1:3307" in said
    assert "not running" in said
    assert list(tmp_path.iterdir()) == []


def test_check_names_a_backend_that_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--backend", "mysql://u:p@127.0.0.1:1"]) == 1
    assert "MISSING" in capsys.readouterr().out


@pytest.mark.mysql
def test_check_finds_nothing_missing_at_a_running_server(
    server: object, capsys: pytest.CaptureFixture[str]
) -> None:
    data_dir = str(server.data_dir)  # type: ignore[attr-defined]
    assert main(["check", "--data-dir", data_dir]) == 0
    said = capsys.readouterr().out
    assert "MISSING" not in said
    assert "routines have their stubs in sys" in said
