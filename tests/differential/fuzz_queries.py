"""Random queries over the random tables, each sorted by all that it shows."""

from tests.differential.fuzz_expressions import SHOWN, Expressions
from tests.differential.fuzz_functions import DATES
from tests.differential.fuzz_tables import NUMBERS, TEXTS


class Queries(Expressions):
    """Whole queries."""

    def query(self) -> str:
        kinds = (self.rows, self.rows, self.groups, self.groups, self.windows)
        others = (self.combined, self.derived, self.odd, self.several, self.recursive)
        kind = self.one(*kinds, *others, self.merged, *(self.called,) * 4)
        return kind()

    def rows(self) -> str:
        joined = self.chance.random() < 0.5
        items = [self.item("ab" if joined else "a") for _ in range(self.upto(4))]
        word = self.one("", "", "DISTINCT ")
        text = f"SELECT {word}{', '.join(items)} FROM {self.source(joined)}"
        return self.sorted(text + self.where("ab" if joined else "a"), len(items))

    def called(self) -> str:
        """Few calls in a row's place, or as what picks rows."""
        kinds = (self.rare_number, self.rare_text, self.rare_moment, self.truth)
        items = [self.one(*kinds)("a") for _ in range(self.upto(2))]
        where = f" WHERE {self.truth('a')}" if self.upto(2) == 1 else ""
        text = f"SELECT a.id, {', '.join(items)} FROM {self.source(False)}{where}"
        return f"{text} ORDER BY a.id"

    def groups(self) -> str:
        joined = self.chance.random() < 0.3
        names = "ab" if joined else "a"
        keys = list(dict.fromkeys(self.key(names) for _ in range(self.upto(3) - 1)))
        calls = [self.aggregate(names) for _ in range(self.upto(3))]
        if keys and self.chance.random() < 0.2:
            keys = list(dict.fromkeys([*keys, f"{self.one(*names)}.id"]))  # all decided
        source, where = self.source(joined), self.where(names)
        text = f"SELECT {', '.join([*keys, *calls])} FROM {source}{where}"
        if keys:
            rollup = self.one("", "", " WITH ROLLUP")
            if rollup and self.chance.random() < 0.5:
                calls[0] = f"GROUPING({self.one(*keys)})"
                text = f"SELECT {', '.join([*keys, *calls])} FROM {source}{where}"
            text += f" GROUP BY {', '.join(keys)}{rollup}"
        if self.chance.random() < 0.3:
            text += f" HAVING {self.aggregate(names)} {self.sign()} {self.upto(5)}"
        return self.sorted(text, len(keys) + len(calls))

    def windows(self) -> str:
        number = self.column("a", NUMBERS)
        framed = self.one(
            f"SUM({number})",
            f"AVG({number})",
            f"MIN({self.column('a', DATES)})",
            f"MAX({self.column('a', SHOWN)})",
            f"FIRST_VALUE({self.column('a', SHOWN)})",
            f"LAST_VALUE({self.column('a', SHOWN)})",
            f"NTH_VALUE({self.column('a', SHOWN)}, 2)",
            "COUNT(*)",
        )
        ranked = self.one(
            *("RANK()", "DENSE_RANK()", "ROW_NUMBER()", "NTILE(3)", "CUME_DIST()"),
            "PERCENT_RANK()",
            f"LAG({number}, {self.one(1, 2)})",
            f"LEAD({self.column('a', SHOWN)})",
            f"LAG({number}, 1, 0)",
        )
        call = self.one(framed, framed, ranked)
        part = self.one("", f"PARTITION BY {self.column('a', SHOWN)} ")
        way = self.one("", " DESC")
        order = f"ORDER BY {self.column('a', SHOWN)}{way}, a.id"
        frame = self.one("", self.rows_frame()) if call is framed else ""
        if call is framed and "_VALUE" not in call and self.chance.random() < 0.3:
            order, frame = self.range_frame()
        over, named = f"({part}{order}{frame})", ""
        if self.chance.random() < 0.2:
            over, named = "w", f" WINDOW w AS {over}"
        text = f"SELECT a.id, {self.item('a')}, {call} OVER {over} FROM"
        return self.sorted(f"{text} {self.source(False)}{self.where('a')}{named}", 3)

    def odd(self) -> str:
        """Columns that nothing is sorted by: documents, sets, bits, bytes."""
        items = [self.strange() for _ in range(self.upto(3))]
        where = f" WHERE {self.suspect()}" if self.chance.random() < 0.4 else ""
        text = f"SELECT a.id, {', '.join(items)} FROM {self.source(False)}{where}"
        return f"{text} ORDER BY a.id"

    def several(self) -> str:
        """Set operations on several columns, or of several SELECTs."""
        kinds = [self.one(NUMBERS, TEXTS, DATES, ("en",), ("k",)) for _ in range(2)]
        words = [self.one("UNION", "UNION ALL", "EXCEPT", "INTERSECT") for _ in "12"]
        parts = []
        for _ in range(self.upto(2) + 1):
            one, other = (self.column("a", kind) for kind in kinds)
            part = f"SELECT {one} v, {other} w FROM {self.source(False)}"
            part += self.where("a")
            parts.append(self.one(part, part, f"({part})"))
        text = parts[0]
        for word, part in zip(words, parts[1:], strict=False):
            text += f" {word} {part}"
        if self.chance.random() < 0.3:
            text = f"SELECT n.w, n.v FROM ({text}) n"
        return self.sorted(text, 2)

    def recursive(self) -> str:
        """A walk from row to row, of a few steps."""
        shown = self.one("a.id", "a.k", "a.i", "a.d", "a.s", "a.da")
        other = shown.replace("a.", "b.", 1)
        most = self.one(f"c.n < {self.upto(4)}", f"c.n < {self.upto(4)}", "c.n * 2 < 9")
        link = self.one("b.id = c.id + 1", "b.k = c.n", "b.id = c.n * 2")
        base = f"SELECT a.id, {shown} v, 1 n FROM r a WHERE {self.condition('a', 0)}"
        step = f"SELECT b.id, {other}, c.n + 1 FROM {self.one('r', 'q')} b JOIN c"
        walk = f"{base} UNION ALL {step} ON {link} WHERE {most}"
        if self.chance.random() < 0.3:
            walk = "SELECT 1 id, 1 v, 1 n UNION ALL SELECT id + 1, v * 2, n FROM c"
            walk += f" WHERE id < {self.upto(9)}"
        text = f"WITH RECURSIVE c AS ({walk}) SELECT c.id, c.v, c.n FROM c"
        join = self.one("", "", " JOIN q b ON b.id = c.id")
        return self.sorted(text + join, 3)

    def combined(self) -> str:
        kinds = (NUMBERS, TEXTS[:1], DATES[:1], ("en",))
        kind = self.one(*kinds)
        word = self.one("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        parts = (
            f"SELECT {self.column('a', kind)} v FROM {self.source(False)}"
            f"{self.where('a')}"
            for _ in range(2)
        )
        return self.sorted(f" {word} ".join(parts), 1)

    def derived(self) -> str:
        key, call = self.key("a"), self.aggregate("a")
        inner = f"SELECT {key} v, {call} w FROM {self.source(False)}{self.where('a')}"
        inner += f" GROUP BY {key}"
        if self.chance.random() < 0.5:
            text = f"WITH n AS ({inner}) SELECT n.v, n.w FROM n"
        else:
            text = f"SELECT n.v, n.w FROM ({inner}) n"
        if self.chance.random() < 0.3:
            shown = self.one("COUNT(*)", "COUNT(n.v)", "COUNT(n.w)", "MAX(n.v)")
            return text.replace("SELECT n.v, n.w", f"SELECT {shown}")
        if self.chance.random() < 0.2:
            return self.sorted(f"{text} JOIN q ON q.id = n.w", 2)
        tests = (
            " WHERE n.w IS NOT NULL",
            " WHERE n.v = 1",
            f" WHERE n.w > {self.upto(3)}",
        )
        return self.sorted(text + self.one("", *tests), 2)

    def merged(self) -> str:
        """What an inner query computes, which MySQL may do in the outer one."""
        joined = self.chance.random() < 0.5
        names, number = "ab" if joined else "a", self.column("a", NUMBERS)
        ratio = f"{number} / {self.column(names, NUMBERS)}"
        value = self.one(ratio, ratio, self.item(names), self.item(names))
        listed = f"{value} v, a.id w, {self.column(names, SHOWN)} u"
        inner = f"SELECT {listed} FROM {self.source(joined)}{self.where(names)}"
        items, behind = ["n.v", "n.w", "n.u"], ""
        if self.chance.random() < 0.3:
            items, behind = ["n.v", "COUNT(DISTINCT n.w)"], " GROUP BY n.v"
        tests = ("n.v IS NOT NULL", f"n.v > {self.upto(3)}", f"n.w > {self.upto(9)}")
        kept = self.one("", "", *(f" WHERE {test}" for test in tests))
        kept = self.one(kept, kept, f" WHERE {' AND '.join(tests[1:])}")
        shown = f"SELECT {self.one('', '', 'DISTINCT ')}{', '.join(items)} FROM"
        other = self.one("", "", f" JOIN {self.one('q', 'r')} b ON b.id = n.w + 5")
        if self.chance.random() < 0.3:
            text = f"WITH n AS ({inner}) {shown} n{other}{kept}{behind}"
        else:
            text = f"{shown} ({inner}) n{other}{kept}{behind}"
        return self.sorted(text, len(items))

    def sorted(self, text: str, count: int) -> str:
        places = (f"{n}{self.one('', ' DESC')}" for n in range(1, count + 1))
        limit = self.one("", "", " LIMIT 5", " LIMIT 3 OFFSET 2")
        return f"{text} ORDER BY {', '.join(places)}{limit}"
