"""Which characters are LIKE a letter: MySQL is asked of all but the rarest."""

from typing import Any

import pymysql
import pytest

from heatproxy.sql.collation import PRINTABLE
from heatproxy.sql.letters import FOLDED, LETTERS

pytestmark = pytest.mark.mysql
ASKED = (  # all blocks that have letters like those of ASCII, and some that have none
    *(range(0x80, 0x2800), range(0x2C60, 0x2E80), range(0x3000, 0x3400)),
    *(range(0xA640, 0xA800), range(0xAB30, 0xAB70), range(0xFB00, 0x10000)),
    *(range(0x1D400, 0x1D800), range(0x1F100, 0x1F200), range(0xE0000, 0xE0080)),
)


@pytest.mark.parametrize("collation", LETTERS)
def test_the_letters_are_those_that_mysql_takes_for_one(
    server: Any, collation: str
) -> None:
    codes = [code for block in ASKED for code in block]
    listed = ", ".join(f"(_utf8mb4 X'{chr(code).encode().hex()}')" for code in codes)
    column = f"VARCHAR(1) CHARACTER SET utf8mb4 COLLATE {collation}"
    with pymysql.connect(**server.backend_login, charset="utf8mb4") as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION group_concat_max_len = 1000000")
        cursor.execute("CREATE TEMPORARY TABLE mysql.letters (c " + column + ")")
        cursor.execute(f"INSERT INTO mysql.letters VALUES {listed}")
        for letter in PRINTABLE:
            pattern = {"\\": "\\\\", "%": "\\%", "_": "\\_"}.get(letter, letter)
            cursor.execute(
                f"SELECT c FROM mysql.letters WHERE c LIKE %s COLLATE {collation}",
                (pattern,),
            )
            found = {char for (char,) in cursor.fetchall()}
            asked = letter.lower() if collation in FOLDED else letter
            known = {char for char in LETTERS[collation].get(asked, "")}
            assert found == {char for char in known if ord(char) in set(codes)}, letter
