"""What of a Lakehouse table is copied into a table of MySQL's: definitions and rows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.backend.shells import Shell
from heatproxy.errors import not_supported, secondary_engine
from heatproxy.house import House
from heatproxy.session import Cancel

# In a session that is not strict a value might be bent into its column.
STRICT = "/*+ SET_VAR(sql_mode='STRICT_ALL_TABLES') */ "
_COLUMN = re.compile(r"^  (`(?:[^`]|``)+`) .*?(?=,?$)", re.MULTILINE)
_OPTIONS = re.compile(r" DEFAULT CHARSET=\w+(?: COLLATE=\w+)?")
_PRIMARY = re.compile(r"^  (PRIMARY KEY \(.*\))", re.MULTILINE)
_QUOTED = re.compile(r"`((?:[^`]|``)+)`")


class TooMuch(Exception):
    """The rows take more bytes than they may."""


@dataclass(frozen=True, slots=True)
class Copied:
    """Some columns of a Lakehouse table, with the definitions that they have in MySQL.

    ``primary`` is the clause of the primary key, where all its columns are among these.
    """

    columns: tuple[str, ...]
    rows: pa.Table
    listed: str
    options: str
    primary: str

    @property
    def definition(self) -> str:
        """What CREATE TABLE has behind the name of a table without keys."""
        return f"({self.listed}) {self.options}"

    @property
    def with_key(self) -> str:
        """The same with the primary key, if there is one."""
        inner = ",".join(filter(None, (self.listed, self.primary)))
        return f"({inner}) {self.options}"


def copied(
    house: House,
    shell: Shell,
    choose: Callable[[list[str]], Sequence[str]],
    limit_bytes: int,
    cancel: Cancel,
) -> Copied:
    """The columns that are chosen of all, in their order. It blocks.

    Raises:
        TooMuch: of rows.
        MySQLError: 3877, the table has not been loaded; 1235, a column is not held;
            1317.
    """
    try:
        held = [column.name for column in house.engine.facts(shell.engine_name).columns]
    except KeyError:
        raise secondary_engine("Table has not been loaded") from None
    text = str(house.account.query(f"SHOW CREATE TABLE {shell.name}")[0][1])
    definitions = {
        match[1][1:-1].replace("``", "`"): match[0] for match in _COLUMN.finditer(text)
    }
    options = _OPTIONS.search(text)
    wanted = list(choose(list(definitions)))
    for column in wanted:
        if column not in held:
            what = f"the column {column} of {shell.schema}.{shell.table}"
            raise not_supported(f"{what}, which is NOT SECONDARY")
    listed = ",".join(definitions[column] for column in wanted)
    read = house.engine.read(shell.engine_name, wanted, listen=cancel.interrupts)
    try:
        batches = []
        for batch in read.reader:
            limit_bytes -= batch.nbytes
            if limit_bytes < 0:
                raise TooMuch
            batches.append(batch)
        table = pa.Table.from_batches(batches, read.reader.schema)
    finally:
        read.close()
    return Copied(
        tuple(wanted),
        _in_utc(house, shell, table),
        listed,
        f"ENGINE=InnoDB{options[0] if options else ''}",
        _primary(text, wanted),
    )


def _primary(text: str, wanted: Sequence[str]) -> str:
    found = _PRIMARY.search(text)
    if found is None:
        return ""
    columns = [name.replace("``", "`") for name in _QUOTED.findall(found[1])]
    return found[1] if set(columns) <= set(wanted) else ""


def _in_utc(house: House, shell: Shell, table: pa.Table) -> pa.Table:
    """The rows with their TIMESTAMPs as texts that no time_zone changes."""
    for column in house.engine.facts(shell.engine_name).columns:
        place = table.schema.get_field_index(column.name)
        if column.type.name == "timestamp" and place >= 0:
            texts = table.column(place).cast(pa.string())
            texts = pc.binary_join_element_wise(texts, "+00:00", "")
            table = table.set_column(place, column.name, texts)
    return table
