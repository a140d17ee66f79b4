"""What a column becomes for the values of its files."""

import pytest

from heatproxy.datatypes import parse
from heatproxy.lakehouse.widening import Unlike, wider

# the column's own type, that of the files, and what is made of it
WIDER = """
tinyint | tinyint | tinyint
tinyint | tinyint unsigned | smallint
tinyint unsigned | tinyint | smallint
smallint | tinyint unsigned | smallint
int | int unsigned | bigint
int unsigned | mediumint unsigned | int unsigned
bigint | bigint unsigned | decimal(20,0)
int | decimal(5,2) | decimal(12,2)
decimal(5,2) | decimal(4,3) | decimal(6,3)
decimal(10,2) | smallint | decimal(10,2)
decimal(3,2) | smallint | decimal(7,2)
decimal(5,2) | double | double
float | tinyint | float
float | int | double
float | double | double
double | decimal(38,30) | double
varchar(5) | varchar(3) | varchar(5)
varchar(5) | varchar(9) | varchar(9)
char(5) | varchar(9) | char(9)
char(5) | varchar(300) | varchar(300)
varchar(5) | mediumtext | mediumtext
tinytext | varchar(63) | tinytext
tinytext | varchar(64) | text
text | varchar(9) | text
text | mediumtext | mediumtext
longtext | text | longtext
date | date | date
date | datetime | datetime
date | datetime(3) | datetime(3)
datetime(6) | datetime(3) | datetime(6)
timestamp | datetime(3) | timestamp(3)
datetime | date | datetime
time | time(6) | time(6)
time(3) | time | time(3)
year | year | year
json | json | json
"""

UNLIKE = """
int | varchar(3)
int | date
varchar(3) | int
date | time
time | datetime
decimal(38,0) | decimal(2,1)
json | varchar(9)
enum('a') | varchar(1)
"""


def pairs(text: str) -> list[list[str]]:
    return [line.split(" | ") for line in text.strip().splitlines()]


@pytest.mark.parametrize(("own", "seen", "wanted"), pairs(WIDER))
def test_a_type_is_as_wide_as_both(own: str, seen: str, wanted: str) -> None:
    assert wider(parse(own), parse(seen)).sql() == wanted


@pytest.mark.parametrize(("own", "seen"), pairs(UNLIKE))
def test_types_of_other_families_are_not_mixed(own: str, seen: str) -> None:
    with pytest.raises(Unlike):
        wider(parse(own), parse(seen))
