"""A worker's process has the relay in it and nothing more."""

import subprocess
import sys

HEAVY = ("sqlglot", "duckdb", "pyarrow", "pandas", "sklearn", "lightgbm", "shap")
LIST = "import sys; import heatproxy.relay.worker; print(*sys.modules)"


def test_a_worker_carries_no_parser_no_engine_and_no_learning() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LIST], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in found.stdout.split()}
    assert "heatproxy" in modules
    assert modules.isdisjoint({*HEAVY, "mysql_mimic", "prometheus_client"})


def test_the_supervisor_carries_no_relay_either() -> None:
    list_them = LIST.replace("relay.worker", "supervisor.supervisor")
    found = subprocess.run(
        [sys.executable, "-c", list_them], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in found.stdout.split()}
    assert modules.isdisjoint({*HEAVY, "mysql_mimic", "numba", "uvloop"})
