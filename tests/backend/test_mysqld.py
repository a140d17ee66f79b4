"""A process that does not become a server is reported with what it said."""

from pathlib import Path

import pytest

from heatproxy.backend.mysqld import Mysqld, MysqldError


def test_what_it_said_last_is_reported(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("said yesterday\n")
    script = "for i in $(seq 1 20); do echo line $i; done; exit 3"
    mysqld = Mysqld(["/bin/sh", "-c", script], log)
    with pytest.raises(MysqldError) as caught:
        mysqld.wait_ready(lambda: False, timeout_s=60)
    message = str(caught.value)
    assert "ended while starting (exit code 3)" in message
    assert message.endswith("line 19\nline 20")
    assert "line 8" not in message
    assert "yesterday" not in message


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    mysqld = Mysqld([str(tmp_path / "mysqld")], tmp_path / "log")
    with pytest.raises(MysqldError, match="No such file or directory"):
        mysqld.wait_ready(lambda: False, timeout_s=60)


def test_one_that_does_not_get_ready_is_given_up(tmp_path: Path) -> None:
    mysqld = Mysqld(["/bin/sh", "-c", "exec sleep 600"], tmp_path / "log")
    with pytest.raises(MysqldError, match=r"(?s)not ready after 0 s.*it said nothing"):
        mysqld.wait_ready(lambda: False, timeout_s=0)
    mysqld.stop()


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    mysqld = Mysqld(["/bin/sh", "-c", "exec sleep 600"], tmp_path / "log")
    assert mysqld.exit_code is None
    mysqld.stop()
    mysqld.stop()
    assert mysqld.exit_code == -15
