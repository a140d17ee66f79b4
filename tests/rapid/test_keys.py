"""Key columns: made at load, kept under changes, refused where MySQL wavers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.weights import Weights
from heatproxy.datatypes import Column, parse
from heatproxy.engine import DuckDB
from heatproxy.engine.facts import TextFacts, Unkeyable, key_column
from heatproxy.errors import MySQLError
from heatproxy.rapid.keys import LONGEST, Keys, engine_column
from heatproxy.rapid.tables import LoadedColumn, LoadedTable, LoadedTables
from heatproxy.rapid.weigh import AsciiWeigher
from heatproxy.sql.collation import key_of, key_query
from tests.sql.strings import ascii_strings, unicode_strings

pytestmark = pytest.mark.mysql
AI_CI, UNICODE = "utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci"
NAME = "rapid.s.t#1"


@pytest.fixture(scope="module")
def account(server: Any) -> Iterator[ServiceAccount]:
    login = server.login
    held = ServiceAccount(
        Address(login["user"], login["password"], server.backend_socket)
    )
    yield held
    held.close()


class House:
    """An engine with one table: n INT, x VARCHAR of a collation."""

    def __init__(
        self, account: ServiceAccount, directory: Path, collation: str
    ) -> None:
        self.engine = DuckDB(directory / "e.duckdb", "300MB", 2)
        self.tables = LoadedTables()
        self.keys = Keys(Weights(account), self.engine, self.tables)
        self.collations: dict[str, str | None] = {"x": collation}
        self.columns = [Column("n", parse("int")), Column("x", parse("varchar(2000)"))]
        held = tuple(
            LoadedColumn(c.name, c.type, c.nullable, self.collations.get(c.name))
            for c in self.columns
        )
        self.table = LoadedTable(1, "s", "t", NAME, held)
        self.tables.put(self.table)

    def load(self, *texts: str | None) -> TextFacts:
        rows = self.rows(*texts)
        reader = pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches())
        facts = self.engine.load(
            NAME, self.columns, reader, collations=self.collations, keys=self.keys
        )
        return facts.texts["x"]

    def rows(self, *texts: str | None) -> pa.Table:
        numbers = pa.array(range(len(texts)), pa.int32())
        return pa.table({"n": numbers, "x": pa.array(texts, pa.string())})

    def add(self, *texts: str | None, undo: bool = False) -> None:
        """As changes are applied: in one transaction, then committed or undone."""
        extended = self.keys.extend(self.table, self.rows(*texts))
        with self.engine._connection.cursor() as cursor:
            cursor.begin()
            cursor.register("added", extended)
            cursor.execute(f'INSERT INTO "{NAME}" BY NAME SELECT * FROM added')
            self.keys.before_commit(cursor, self.table)
            if undo:
                cursor.rollback()
                self.keys.forget(self.table)
            else:
                cursor.commit()
                self.keys.committed(self.table)

    def held(self) -> list[tuple[Any, ...]]:
        key = key_column("x")
        table = self.engine.run(f'SELECT x, "{key}" AS k FROM "{NAME}"').reader
        rows = table.read_all().to_pylist()
        return [(row["x"], row["k"]) for row in rows]

    @property
    def version(self) -> int:
        found = self.tables.find("s", "t")
        assert found is not None
        assert not found.changing
        return found.version


@pytest.fixture
def house(account: ServiceAccount, tmp_path: Path, request: Any) -> Iterator[House]:
    made = House(account, tmp_path, getattr(request, "param", AI_CI))
    yield made
    made.engine.close()


def test_plain_columns_get_no_key(house: House) -> None:
    assert not house.load("abc", "Abc", None, "x-y").keyed
    assert [c.name for c in house.engine.facts(NAME).columns] == ["n", "x"]


def test_a_column_of_all_characters_gets_its_key_at_load(house: House) -> None:
    assert house.load("é", "E", None, "ß", "ss", "日本").keyed
    keys = dict(house.held())
    assert keys["é"] == keys["E"]
    assert keys["ß"] == keys["ss"]
    assert keys[None] is None
    assert keys["日本"] not in (None, keys["E"])
    shown = house.engine.read(NAME).reader.read_all()
    assert shown.column_names == ["n", "x"]


@pytest.mark.parametrize("house", ["utf8mb4_0900_as_cs"], indirect=True)
def test_ascii_gets_a_key_where_no_expression_orders_it(house: House) -> None:
    assert house.load("a", "B").keyed is False  # no two of them weigh alike at first
    assert house.load("a", "A", "b").keyed


@pytest.mark.parametrize("house", ["utf8mb4_bin"], indirect=True)
def test_a_binary_collation_needs_keys_for_what_precedes_a_blank(house: House) -> None:
    assert house.load("é", "日本 ").keyed is False
    assert house.load("a", "a\tb").keyed


@pytest.mark.parametrize("house", ["gbk_chinese_ci"], indirect=True)
def test_a_collation_without_weights_of_one_width_gets_no_key(house: House) -> None:
    assert house.load("一", "a").keyed is False


def test_very_long_texts_get_no_key(house: House) -> None:
    assert house.load("é" * LONGEST).keyed
    assert house.load("é" * (LONGEST + 1)).keyed is False


@pytest.mark.parametrize("house", [UNICODE], indirect=True)
def test_a_text_that_mysql_hashes_in_another_way_leaves_no_key(house: House) -> None:
    assert house.load("é", "x ").keyed
    assert house.load("é", "x\u00a0").keyed is False


@pytest.mark.parametrize(
    "collation",
    [
        AI_CI,
        UNICODE,
        "utf8mb4_0900_as_cs",
        "utf8mb4_cs_0900_ai_ci",
        "utf8mb4_general_ci",
    ],
)
def test_a_key_is_the_weight_that_mysql_gives(
    account: ServiceAccount, tmp_path: Path, collation: str
) -> None:
    """10,000 strings; ASCII ones are weighed here, the others by MySQL in batches."""
    house = House(account, tmp_path, collation)
    texts: list[str | None] = [*ascii_strings(5000), None, *unicode_strings(5000)]
    rule = Weights(account).of([collation]).keys[collation]
    weights = account.query(key_query(collation, [text or "" for text in texts]))
    expected: list[bytes | None] = []
    for at, (text, (_, weight)) in enumerate(zip(texts, weights, strict=True)):
        try:
            key = key_of(text or "", weight, rule.blank)
        except ValueError:
            with pytest.raises(Unkeyable):
                house.keys.keys(collation, pa.array([text]))
            texts[at], key = None, b""
        expected.append(None if texts[at] is None else key)
    assert house.keys.keys(collation, pa.array(texts)).to_pylist() == expected
    sliced = house.keys.keys(collation, pa.array(texts).slice(4990, 40))
    assert sliced.to_pylist() == expected[4990:5030]
    if rule.adds_up:
        made, asked = AsciiWeigher(rule).keys(pa.array(texts, pa.large_string()))
        places = set(asked.tolist())
        assert 3000 < len(places) < 5001
        for at, key in enumerate(made.to_pylist()):
            assert key == (None if at in places else expected[at])
    house.engine.close()


def test_changes_that_break_nothing_change_no_version(house: House) -> None:
    house.load("ab", "cd")
    before = house.version
    house.add("ab", None)
    assert house.version == before


def test_a_first_letter_beyond_ascii_brings_the_key_column(house: House) -> None:
    house.load("ab", None, "cd")
    before = house.version
    house.add("é", "ab")
    assert house.version > before
    keys = dict(house.held())
    assert len(house.held()) == 5
    assert None not in [keys[text] for text in ("ab", "cd", "é")]
    assert house.keys.texts(house.table)["x"].keyed
    assert house.engine.facts(NAME).texts["x"].keyed
    version = house.version
    house.add("É", "ab")
    keys = dict(house.held())
    assert keys["É"] == keys["é"]
    assert house.version == version + 2  # É is no new character, but a new value
    house.add("É")
    assert house.version == version + 2


def test_the_facts_are_known_before_the_change_is_committed(house: House) -> None:
    house.load("ab")
    version = house.version
    house.keys.extend(house.table, house.rows("é"))
    found = house.tables.find("s", "t")
    assert found is not None
    assert (found.version, found.changing) == (version + 1, True)
    assert not house.keys.texts(house.table)["x"].ascii
    house.keys.forget(house.table)
    assert house.version > version + 1


def test_what_is_undone_leaves_the_facts_as_they_were(house: House) -> None:
    house.load("ab")
    house.add("é", undo=True)
    assert house.keys.texts(house.table)["x"].ascii
    assert not house.engine.facts(NAME).texts["x"].keyed
    house.add("É")
    assert dict(house.held())["É"] is not None


@pytest.mark.parametrize("house", [UNICODE], indirect=True)
def test_a_change_that_can_have_no_key_asks_for_another_load(house: House) -> None:
    house.load("é", "x")
    with pytest.raises(MySQLError, match="weighs as a blank"):
        house.keys.extend(house.table, house.rows("x\u00a0"))


def test_without_the_backend_no_key_is_guessed(server: Any, tmp_path: Path) -> None:
    nobody = ServiceAccount(Address("nobody", "wrong", server.backend_socket))
    house = House(nobody, tmp_path, AI_CI)
    with pytest.raises(MySQLError, match="no weights of collation"):
        house.load("é")
    assert house.engine.tables() == []
    house.engine.close()


def test_a_translation_is_told_what_is_known(house: House) -> None:
    facts = house.load("é", "b ")
    column = engine_column(house.table.columns[1], facts)
    assert (column.ascii, column.clean) == (False, False)
    assert (column.key, column.alphabet) == (key_column("x"), " b")
    assert (column.blank_ended, column.longest) == (True, 2)
    unknown = engine_column(house.table.columns[1], None)
    assert (unknown.ascii, unknown.key, unknown.alphabet) == (False, None, None)
