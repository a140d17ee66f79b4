"""Opening the files of a table: what the first load must not wait for."""

import subprocess
import sys

# a process of its own: others of this session have compiled already
LOADS = """
import sys
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from heatproxy.datatypes import Column, parse
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.streams import DataFile


def compiled():
    return {
        (name, kernel): len(value.signatures)
        for name, module in sys.modules.items() if name.startswith("heatproxy.lake")
        for kernel, value in vars(module).items() if isinstance(value, Dispatcher)
    }


reader.warm_up()
before = compiled()
content = Path(sys.argv[1])
content.write_text(
    "h|i|j|k|l|m|n|o|p|q|r\\n"
    "1|-2.50|1e3|2024-01-31|01.02.2024|2024-01-31 12:34:56.5|12:34|24|a\\tb|cut|'d'\\n"
    "||||||||||\\n"
)
columns = [
    Column(name, parse(name))
    for name in ("bigint unsigned", "decimal(36,10)", "float", "date", "varchar(20)",
                 "timestamp(6)", "time(3)", "year", "text", "char(2)", "longblob")
]
for given in ({}, {"date_format": "%Y-%m-%d", "timestamp_format": "%Y-%m-%d %T.%f"}):
    dialect = parse_dialect({"has_header": True, "quotation_marks": "'", **given}, "t")
    file = DataFile(content, "t", content.stat().st_size)
    reader.infer([file], dialect)
    print(reader.open_table([file], dialect, columns, strict=False).reader.read_all())
more = {key: count for key, count in compiled().items() if count != before[key]}
assert before and not more, more
"""


def test_no_load_compiles_what_warm_up_did_not(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS, tmp_path / "t.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
