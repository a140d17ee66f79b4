"""Strings that collations find hard, by the thousand and always the same ones."""

# ruff: noqa: RUF001 - letters that look like others are what it is about

import random
from collections.abc import Sequence

ASCII_PARTS = (
    *("a", "A", "b", "B", "z", "Z", "ab", "AB", "aB", "ch", "Ch", "cH", "ll", "dz"),
    *("aa", "Aa", "lj", "ss", "SS", "ae", "oe", "i", "I", "1", "10", "9", "-", "_"),
    *(" ", "  ", ",", ".", "'", '"', "\\", "%", "~", "`", "[", "]", "{", "#", "$", "+"),
    *("<", "=", "|", "^", "@", "/", "&", "*", "(", ")", ";", ":", "!", "?"),
)
PARTS = (
    # Latin: accents, ligatures, letters that are two, the Turkish i
    *("é", "É", "e", "E", "è", "ê", "ñ", "n", "ß", "ẞ", "ss", "æ", "Æ", "ae", "œ", "ø"),
    *("Ø", "o", "ł", "l", "ı", "İ", "i", "I", "ŋ", "þ", "ð", "đ", "ĳ", "ﬁ", "ﬀ", "ﬃ"),
    *("å", "Å", "aa", "ch", "CH", "cH", "Ch", "ll", "dz", "dzs", "lj", "ǆ", "ǅ", "nj"),
    # combining marks, alone and behind letters, in several orders
    *("e\u0301", "a\u030a", "\u0301", "\u0323\u0307", "\u0307\u0323", "и\u0306", "й"),
    # forms of width, numbers of other shapes
    *("Ａ", "ａ", "１", "Ⅳ", "iv", "²", "½", "①", "𝐚", "𝟏", "ﷺ", "㎏"),
    # kana: small, voiced, of half width, prolonged, repeated
    *(
        "か",
        "カ",
        "ｶ",
        "が",
        "ガ",
        "ｶﾞ",
        "きゃ",
        "きや",
        "ー",
        "カー",
        "カア",
        "ゝ",
        "ヽ",
    ),
    *("は", "ば", "ぱ", "漢", "字", "亜", "一", "㐀", "𠀀", "豈", "龍"),
    # Korean, whole and in parts; Thai and Lao, written in another order than spoken
    *(
        "한",
        "한국",
        "ᄒ",
        "\u1112\u1161\u11ab",
        "ㅎ",
        "ก",
        "เก",
        "ไทย",
        "แม่",
        "ເກ",
        "ກ",
    ),
    # Arabic, Hebrew, Devanagari, Tibetan, Greek, Cyrillic
    *(
        "ا",
        "أ",
        "ب",
        "\u064e",
        "ש",
        "שׁ",
        "क",
        "क्ष",
        "ि",
        "\u0fb2\u0f71\u0f80",
        "\u0f71",
    ),
    *("Σ", "σ", "ς", "Ω", "Ω", "ά", "Б", "б", "ё", "е"),
    # emoji with joiners; what is ignored; controls; what is no character
    *(
        "😀",
        "👍",
        "👍🏽",
        "👩\u200d👧",
        "\u200b",
        "\u00ad",
        "\ufeff",
        "\u200d",
        "\u034f",
    ),
    *("\x01", "\x1f", "\x7f", "\x00", "\t", "\n", "\r\n", "\u0085", "\u2028", "\u00a0"),
    *("\ue000", "\uffff", "\U0010ffff", "\ufffd", "\U000e0041"),
)


def ascii_strings(count: int, seed: int = 1) -> list[str]:
    """Printable ASCII: letter case, punctuation, blanks at both ends."""
    return _made(ASCII_PARTS, count, seed)


def unicode_strings(count: int, seed: int = 2) -> list[str]:
    """All of Unicode, a third of it with ASCII in between."""
    return _made((*PARTS, *PARTS, *ASCII_PARTS), count, seed)


def writable(text: str, charset: str) -> str:
    """The text without what a character set of MySQL's can't have."""
    if charset == "utf8mb3":
        return "".join(char for char in text if char < "\U00010000")
    if charset == "latin1":
        return text.encode("cp1252", "ignore").decode("cp1252")
    return text


def _made(parts: Sequence[str], count: int, seed: int) -> list[str]:
    pick = random.Random(seed)  # noqa: S311 - test data
    found = ["", " ", "  "]
    while len(found) < count:
        text = "".join(
            pick.choice(parts) for _ in range(pick.choice((1, 1, 2, 2, 3, 5)))
        )
        found.append(text)
        # its likes: what only a collation finds equal
        for like in (text.upper(), text.lower(), text + " ", text[:-1]):
            if pick.random() < 0.2:
                found.append(like)
    return found[:count]
