"""DATE_FORMAT and TIME_FORMAT: every code of MySQL's, and what DuckDB has for it."""

from collections.abc import Callable, Mapping

from heatproxy.sql.emitter.dates import CLOCK, moment, week_number, week_year
from heatproxy.sql.emitter.numbers import Function
from heatproxy.sql.emitter.strings import ascii_text
from heatproxy.sql.emitter.texts import text_literal
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, unable

# codes that strftime() has too, under the same or another letter
SAME: Mapping[str, str] = {
    **{code: f"%{code}" for code in "abdfHjmpSwy%"},
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "M": "%B",
    "s": "%S",
    "W": "%A",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
}
NAMES = "abMW"
Code = Callable[[Value], str]


def _number(form: str) -> Code:
    return lambda value: f"CAST({form.format(value.sql)} AS VARCHAR)"


def _day_with_suffix(value: Value) -> str:
    day = f"day({value.sql})"
    suffix = (
        f"CASE WHEN {day} BETWEEN 10 AND 19 THEN 'th' WHEN {day} % 10 = 1 THEN 'st'"
        f" WHEN {day} % 10 = 2 THEN 'nd' WHEN {day} % 10 = 3 THEN 'rd' ELSE 'th' END"
    )
    return f"CAST({day} AS VARCHAR) || {suffix}"


def _week(mode: int) -> Code:
    return lambda value: f"format('{{:02d}}', {week_number(value, mode)})"


def _week_year(mode: int) -> Code:
    return lambda value: f"format('{{:04d}}', {week_year(value, mode)})"


OWN: Mapping[str, Code] = {
    "c": _number("month({})"),
    "D": _day_with_suffix,
    "e": _number("day({})"),
    "k": _number("hour({})"),
    "l": _number("((hour({}) + 11) % 12 + 1)"),
    "U": _week(0),
    "u": _week(1),
    "V": _week(2),
    "v": _week(3),
    "X": _week_year(2),
    "x": _week_year(3),
    "Y": lambda value: f"format('{{:04d}}', year({value.sql}))",
}
TIME_CODES: Mapping[str, tuple[tuple[str, str], ...]] = {  # format() and the part
    "H": (("{:02d}", "HOUR"),),
    "k": (("{:d}", "HOUR"),),
    "i": (("{:02d}", "MINUTE"),),
    "S": (("{:02d}", "SECOND"),),
    "s": (("{:02d}", "SECOND"),),
    "f": (("{:06d}", "MICROSECOND"),),
    "T": (("{:02d}", "HOUR"), (":{:02d}", "MINUTE"), (":{:02d}", "SECOND")),
}


def date_format(ctx: Context, values: list[Value]) -> Value:
    value, pattern = moment(values[0]), _pattern("DATE_FORMAT", values[1])
    pieces: list[str] = []
    common = ""  # what strftime() writes at once
    for code, is_code in _codes(pattern):
        if is_code and code in OWN:
            pieces += [_strftime(value, common), OWN[code](value)]
            common = ""
        elif is_code and code in SAME:
            if code in NAMES and ctx.session.lc_time_names != "en_US":
                raise Forward("lc_time_names other than en_US")
            common += SAME[code]
        else:
            common += code.replace("%", "%%")
    pieces.append(_strftime(value, common))
    sql = " || ".join(filter(None, pieces)) or f"left({_strftime(value, 'x')}, 0)"
    names = sum(is_code and code in NAMES for code, is_code in _codes(pattern))
    return ascii_text(ctx, f"({sql})", clean=names <= 1)


def time_format(ctx: Context, values: list[Value]) -> Value:
    value, pattern = plain(values[0]), _pattern("TIME_FORMAT", values[1])
    if value.kind != "time":
        raise Forward("TIME_FORMAT of anything but a TIME")
    form, parts = "", []
    for code, is_code in _codes(pattern):
        if not is_code:
            form += code.replace("{", "{{").replace("}", "}}")
            continue
        if code not in TIME_CODES:
            raise Forward(f"TIME_FORMAT with %{code}")
        for piece, name in TIME_CODES[code]:
            form += piece
            parts.append(CLOCK[name].format(f"abs({value.sql})"))
    if not parts:
        raise Forward("TIME_FORMAT without a code")
    written = f"format({text_literal(form)}, {', '.join(parts)})"
    if not pattern.startswith(("%H", "%k", "%T")):
        raise Forward("TIME_FORMAT that does not begin with the hour")
    sign = f"CASE WHEN {value.sql} < 0 THEN '-' ELSE '' END"
    sql = f"({sign} || {written})"
    if any(is_code and code == "T" for code, is_code in _codes(pattern)):
        # MySQL's temporary tables hold 8 characters of it
        long = f"{value.sql} < 0 OR {value.sql} >= {100 * 3_600_000_000}"
        sql = unable(long, "a TIME_FORMAT that MySQL may cut", sql)
    return ascii_text(ctx, sql, clean=False)


def _pattern(name: str, value: Value) -> str:
    pattern = value.literal
    if value.kind != "string" or pattern is None or not value.ascii:
        raise Forward(f"{name} with anything but a literal of ASCII")
    return pattern


def _codes(pattern: str) -> list[tuple[str, bool]]:
    """The pattern's characters, and whether each stands behind a %."""
    found, position = [], 0
    while position < len(pattern):
        is_code = pattern[position] == "%" and position + 1 < len(pattern)
        position += is_code
        found.append((pattern[position], is_code))
        position += 1
    return found


def _strftime(value: Value, pattern: str) -> str:
    if not pattern:
        return ""
    return f"strftime({value.sql}, {text_literal(pattern)})"


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "DATE_FORMAT": (date_format, 2, 2),
    "TIME_FORMAT": (time_format, 2, 2),
}
