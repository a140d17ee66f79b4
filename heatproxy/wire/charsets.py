"""MySQL's character sets: which one a collation has, and its bytes for each character.

They are what the server makes of Unicode text when ``character_set_results`` asks for
another set: a character that the set does not have becomes a question mark. Python's
codecs say most of it; where MySQL differs is written down here. Every character of
every set was compared with a server, and a test compares them again.

Source: MySQL Reference Manual, "Supported Character Sets and Collations".
"""

# ruff: noqa: RUF001 - characters that look alike are what this is about

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from heatproxy.errors import not_supported

UTF8 = "utf8mb4"
BINARY = "binary"
BASIC_PLANE = 0x10000

# How characters beyond U+FFFF are written: as a question mark, as UTF-8, as pairs of
# surrogates of either byte order, as they are, by their number, as the character whose
# number has the same low 16 bits.
QUESTION, AS_UTF8, PAIRS, PAIRS_LITTLE, WHOLE, NUMBERED, FOLDED = range(7)


@dataclass(frozen=True, slots=True, eq=False)
class CharacterSet:
    """How the characters of Unicode are written in a character set.

    Attributes:
        codes: of shape (65536,), for each character up to U+FFFF its bytes, the first
            one lowest, and in bits 32 and up how many there are.
        beyond: how the other characters are written.
        growth: the most bytes that one byte of UTF-8 becomes.
        keeps_ascii: whether ASCII is the same bytes.
    """

    name: str
    codes: npt.NDArray[np.uint64] = field(repr=False)
    beyond: int
    growth: int
    keeps_ascii: bool


@cache
def charset_of(collation: int) -> str:
    """The name of the character set of a collation's number.

    Raises:
        MySQLError: 1235, no such collation is known.
    """
    for name, numbers in _COLLATIONS.items():
        if any(collation in part for part in numbers):
            return name
    raise not_supported(f"results in collation {collation}")


def text_of(value: bytes, collation: int) -> str:
    """What a server sent in the character set of a collation; ``binary`` is UTF-8.

    Raises:
        MySQLError: 1235, no such collation is known.
        UnicodeDecodeError: it is not text in that set.
    """
    name = charset_of(collation)
    if name in _SEVERAL_BYTES:
        return value.decode(_SEVERAL_BYTES[name])
    if value.isascii() and name != "swe7":
        return value.decode("ascii")
    characters = _characters(name)
    return "".join(characters[byte] for byte in value)


@cache
def _characters(name: str) -> list[str]:
    """The characters of the 256 bytes of a set that has one byte for each."""
    characters = ["\ufffd"] * 256
    for number, code in reversed(list(enumerate(_basic_plane(name)))):
        if code != b"?" or number == ord("?"):
            characters[code[0]] = chr(number)
    return characters


@cache
def named(name: str) -> CharacterSet:
    """A character set other than ``binary``; the first call takes milliseconds.

    Raises:
        MySQLError: 1235, its characters are not known.
    """
    if name not in _COLLATIONS or name == BINARY:
        raise not_supported(f"results in character set {name}")
    spelled = _basic_plane(name)
    codes = [len(code) << 32 | int.from_bytes(code, "little") for code in spelled]
    ascii_kept = all(code == bytes([n]) for n, code in enumerate(spelled[:0x80]))
    longest = (
        max(map(len, spelled[:0x80])),
        -(-max(map(len, spelled[0x80:0x800])) // 2),
        -(-max(map(len, spelled[0x800:])) // 3),
    )
    beyond = _BEYOND.get(name, QUESTION)
    table = np.array(codes, np.uint64)
    return CharacterSet(name, table, beyond, max(longest), ascii_kept)


def _basic_plane(name: str) -> list[bytes]:
    """The bytes of every character up to U+FFFF."""
    codec = _CODECS.get(name, name)
    characters = list(map(chr, range(BASIC_PLANE)))
    if codec is None:
        lower, upper = "".join(characters[:0x80]), _UPPER_HALVES[name]
        places = {c: bytes([place]) for place, c in enumerate(lower + upper)}
        places["\ufffd"] = b"?"
        return [places.get(character, b"?") for character in characters]
    spelled = [character.encode(codec, "replace") for character in characters]
    if name == "cp932":
        _prefer_ibm(spelled)
    if name in ("ujis", "eucjpms"):
        _add_private(spelled)
    if name == "eucjpms":
        _add_microsoft(spelled)
    for missing in _MISSING.get(name, ""):
        spelled[ord(missing)] = b"?"
    for character, code in _OTHERWISE.get(name, {}).items():
        spelled[ord(character)] = code
    return spelled


def _prefer_ibm(spelled: list[bytes]) -> None:
    """Of the two places of IBM's kanji, MySQL takes IBM's own, not NEC's."""
    for character, code in _ibm_characters().items():
        if spelled[ord(character)][0] in (0xED, 0xEE):
            spelled[ord(character)] = code


def _ibm_characters() -> dict[str, bytes]:
    """What stands in the rows 0xFA to 0xFC of Microsoft's code page 932, in order."""
    codes = [bytes([row, cell]) for row in range(0xFA, 0xFD) for cell in range(64, 253)]
    decoded = [(code.decode("cp932", "replace"), code) for code in codes]
    return {text: code for text, code in decoded if "\ufffd" not in text}


def _add_private(spelled: list[bytes]) -> None:
    """The private use area fills ten free rows, and the same ten behind 0x8F."""
    for number in range(2 * 940):
        cell = number % 940
        prefix = b"\x8f" if number >= 940 else b""
        code = prefix + bytes([0xF5 + cell // 94, 0xA1 + cell % 94])
        spelled[0xE000 + number] = code


def _add_microsoft(spelled: list[bytes]) -> None:
    """What code page 932 has and EUC-JP has not: NEC's row 13 and IBM's characters."""
    cells = [cell for cell in range(0x40, 0x9D) if cell != 0x7F]
    nec = [bytes([0x87, cell]).decode("cp932", "ignore") for cell in cells]
    ibm = list(_ibm_characters())
    small_numerals, kanji = ibm[:10], ibm[ibm.index("\u7e8a") :]
    others = [character for character in kanji if spelled[ord(character)] == b"?"]
    for place, character in enumerate(small_numerals, 0xF3F3):
        spelled[ord(character)] = b"\x8f" + place.to_bytes(2, "big")
    for place, character in enumerate(others, 0xF4AE):
        spelled[ord(character)] = b"\x8f" + place.to_bytes(2, "big")
    for cell, character in enumerate(nec, 0xA1):
        if character and spelled[ord(character)] in (b"?", b"\x8f\xa2\xf1"):
            spelled[ord(character)] = bytes([0xAD, cell])


# Python's codec where it is not called the same; None where it has none.
_CODECS: Mapping[str, str | None] = {
    "armscii8": None,
    "cp932": "cp932",
    "dec8": "latin1",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "geostd8": None,
    "greek": "iso8859_7",
    "hebrew": "iso8859_8",
    "hp8": "hp_roman8",
    "keybcs2": None,
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "latin1": "cp1252",
    "latin2": "iso8859_2",
    "latin5": "iso8859_9",
    "latin7": "iso8859_13",
    "macce": "mac_latin2",
    "macroman": "mac_roman",
    "sjis": "shift_jis",
    "swe7": "ascii",
    "tis620": "tis_620",
    "ucs2": "utf_16_be",
    "ujis": "euc_jp",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
    "utf8mb3": "utf_8",
    "utf8mb4": "utf_8",
}
# Python's codecs for reading sets whose characters have several bytes.
_SEVERAL_BYTES: Mapping[str, str] = {
    **{name: name for name in ("big5", "cp932", "gb18030", "gb2312", "gbk")},
    "binary": "utf_8",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "sjis": "shift_jis",
    "ucs2": "utf_16_be",
    "ujis": "euc_jp",
    "utf16": "utf_16_be",
    "utf16le": "utf_16_le",
    "utf32": "utf_32_be",
    "utf8mb3": "utf_8",
    "utf8mb4": "utf_8",
}
_BEYOND: Mapping[str, int] = {
    "gb18030": NUMBERED,
    "tis620": FOLDED,
    "utf16": PAIRS,
    "utf16le": PAIRS_LITTLE,
    "utf32": WHOLE,
    "utf8mb4": AS_UTF8,
}
# The characters of the bytes 0x80 to 0xFF; U+FFFD where there is none.
_CONTROLS = "".join(map(chr, range(0x80, 0xA1)))
_ARMENIAN = "".join(f"{chr(0x531 + n)}{chr(0x561 + n)}" for n in range(38))
_UPPER_HALVES: Mapping[str, str] = {
    "armscii8": _CONTROLS + "❁§։��»«—�՝��՟…՜՛՞" + _ARMENIAN + "’�",
    "geostd8": "€�‚�„…†‡�‰�‹�����‘’“”•–—���›����\xa0"
    "¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿"
    "აბგდევზჱთიკლმნჲოპჟრსტჳუფქღყშჩცძწჭხჴჯჰჵ" + 23 * "\ufffd" + "№��",
    "keybcs2": "ČüéďäĎŤčěĚĹÍľĺÄÁÉžŽôöÓůÚýÖÜŠĽÝŘťáíóúňŇŮÔšřŕŔ¼¡«»"
    "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0",
}
# What MySQL lacks or places otherwise, compared with Python's codec.
_MISSING: Mapping[str, str] = {
    "big5": "ˍ╴￣",
    "cp1256": "ٹڈڑکںھہے",
    "cp866": "¤№",
    "cp932": "\x80¢£¬‖−〜\uf8f0\uf8f1\uf8f2\uf8f3",
    "dec8": "¦¨¬\xad®¯´¸¾Ð×ÝÞð÷ýþ",
    "eucjpms": "¢£¥¦¬‖‾−〜",
    "greek": "ͺ‘’€₯",
    "hebrew": "¯",
    "koi8u": "∙",
    "sjis": "¥‾＼",
    "swe7": "[]^`{|}~@\\\x7f",
    "ujis": "¥‾＼",
}
_OTHERWISE: Mapping[str, Mapping[str, bytes]] = {
    "big5": {
        **dict(
            zip(
                "碁銹裏墻恒粧嫺",
                (b"\xf9%c" % n for n in range(0xD6, 0xDD)),
                strict=True,
            )
        ),
        "\ufffd": b"\xa2\xce",
    },
    "cp866": {"²": b"\xfd", "ⁿ": b"\xfc"},
    "cp932": {"晡": b"\xfa\xd7"},
    "dec8": {"¤": b"\xa8", "ÿ": b"\xfd", "Œ": b"\xd7", "œ": b"\xf7", "Ÿ": b"\xdd"},
    "eucjpms": {
        "∥": b"\xa1\xc2",
        "－": b"\xa1\xdd",
        "～": b"\xa1\xc1",
        "￠": b"\xa1\xf1",
        "￡": b"\xa1\xf2",
        "￢": b"\xa2\xcc",
        "￤": b"\x8f\xa2\xc3",
        "＇": b"\x8f\xf4\xa9",
        "＂": b"\x8f\xf4\xaa",
    },
    "gb18030": {"\u1e3f": b"\xa8\xbc", "\ue7c7": b"\x81\x35\xf4\x37"},
    "greek": {"ʼ": b"\xa2", "ʽ": b"\xa1"},
    "hebrew": {"‾": b"\xaf"},
    "koi8u": {"•": b"\x95"},
    "latin1": {chr(n): bytes([n]) for n in (0x81, 0x8D, 0x8F, 0x90, 0x9D)},
    "sjis": {"\\": b"\x81\x5f"},
    "swe7": dict(zip("ÉÄÖÅÜéäöåü", (bytes([n]) for n in b"@[\\]^`{|}~"), strict=True)),
    "tis620": {"\ufffd": b"\xff"},
}
# The numbers of each set's collations.
_COLLATIONS: Mapping[str, tuple[range | tuple[int, ...], ...]] = {
    "armscii8": ((32, 64),),
    "ascii": ((11, 65),),
    "big5": ((1, 84),),
    "binary": ((63,),),
    "cp1250": ((26, 34, 44, 66, 99),),
    "cp1251": ((14, 23, 50, 51, 52),),
    "cp1256": ((57, 67),),
    "cp1257": ((29, 58, 59),),
    "cp850": ((4, 80),),
    "cp852": ((40, 81),),
    "cp866": ((36, 68),),
    "cp932": ((95, 96),),
    "dec8": ((3, 69),),
    "eucjpms": ((97, 98),),
    "euckr": ((19, 85),),
    "gb18030": ((248, 249, 250),),
    "gb2312": ((24, 86),),
    "gbk": ((28, 87),),
    "geostd8": ((92, 93),),
    "greek": ((25, 70),),
    "hebrew": ((16, 71),),
    "hp8": ((6, 72),),
    "keybcs2": ((37, 73),),
    "koi8r": ((7, 74),),
    "koi8u": ((22, 75),),
    "latin1": ((5, 8, 15, 31, 47, 48, 49, 94),),
    "latin2": ((2, 9, 21, 27, 77),),
    "latin5": ((30, 78),),
    "latin7": ((20, 41, 42, 79),),
    "macce": ((38, 43),),
    "macroman": ((39, 53),),
    "sjis": ((13, 88),),
    "swe7": ((10, 82),),
    "tis620": ((18, 89),),
    "ucs2": ((35, 90, 159), range(128, 152)),
    "ujis": ((12, 91),),
    "utf16": ((54, 55), range(101, 125)),
    "utf16le": ((56, 62),),
    "utf32": ((60, 61), range(160, 184)),
    "utf8mb3": ((33, 76, 83, 223), range(192, 216)),
    "utf8mb4": ((45, 46), range(224, 248), range(255, 324)),
}
