"""A trained recommender: ratings, lists, similar ones, scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.json_columns import joined, json_key, json_strings, numbers
from heatproxy.automl.recommend import EXPLICIT, IMPLICIT, Kind, Recommender
from heatproxy.automl.recommend.content import ContentFactors
from heatproxy.automl.recommend.describing import (
    ITEM_METADATA,
    USER_METADATA,
    Describer,
    table_of,
)
from heatproxy.automl.recommend.factors import Factors
from heatproxy.automl.recommend.interactions import (
    CodeArray,
    Interactions,
    codes_in,
)
from heatproxy.automl.recommend.ranking import Best, best_of_each
from heatproxy.automl.recommend.scoring import score
from heatproxy.automl.recommend.selection import clipped
from heatproxy.automl.recommend.sides import Describable, Newcomers
from heatproxy.automl.recommend.towers import TwoTower
from heatproxy.automl.tasks.contract import Answers, Arrays
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import ml_error, secondary_engine

MaskArray = npt.NDArray[np.bool_]
TOP_K = 3


@dataclass(frozen=True, slots=True)
class RecommendationModel(Told):
    """See SpecialModel. ``users`` and ``items`` are names, Arrow (n,), by code.

    ``describers`` read the tables of ``user_metadata`` and ``item_metadata``.
    """

    users_column: str
    items_column: str
    target: str
    users: pa.Array
    items: pa.Array
    seen: Interactions
    kind: Kind
    recommender: Recommender
    is_implicit: bool
    facts: SpecialFacts
    describers: tuple[Describer | None, Describer | None] = (None, None)
    # what a list for one user needs each time: 1.0 where an item was rated, by user
    # and by item, and what somebody new gets
    _known: tuple[sparse.csr_matrix, sparse.csr_matrix] = field(init=False, repr=False)
    _usual: tuple[FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = self.seen.matrix(np.ones(len(self.seen)))
        object.__setattr__(self, "_known", (known, known.T.tocsr()))
        usual = _usual_items(self.seen, self.is_implicit)
        others = _usual_users(self.seen, self.is_implicit)
        object.__setattr__(self, "_usual", (usual, others))

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """What ``recommend`` asks for, of each row.

        Raises:
            MySQLError: 3877 ML003011, a column is missing; a NULL in it; see ``told``.
        """
        del threads
        return self.told(options)._answers(table, options)

    def _answers(self, table: pa.Table, options: Mapping[str, Any]) -> Answers:
        wanted, k = options["recommend"], int(options["topk"])
        match wanted:
            case "ratings":
                users = self.codes(table, of_users=True, needs_both=True)
                items = self.codes(table, of_users=False, needs_both=True)
                text = self._ratings_text(self.ratings(users, items))
            case "items" | "users_to_items":
                codes = self.codes(table, of_users=True)
                text = self._lists(codes, k, bool(options["remove_seen"]), True)
            case "users" | "items_to_users":
                codes = self.codes(table, of_users=False)
                text = self._lists(codes, k, bool(options["remove_seen"]), False)
            case "users_to_users":
                text = self._similar(self.codes(table, of_users=True), k, True)
            case _:
                text = self._similar(self.codes(table, of_users=False), k, False)
        return Answers(pa.table({"ml_results": text}))

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """See ``scoring.score`` and ``told``."""
        del threads
        return score(self.told(options), table, target, metric, options)

    def told(self, options: Mapping[str, Any]) -> "RecommendationModel":
        """The model as the tables of metadata have it that ``options`` name.

        What they say of a user or item counts instead of what the training knew of it.
        Who is new in them can be recommended, and recommended to, like anybody else.

        Raises:
            MySQLError: 3877, the training had no such table; see ``Describer.read``.
        """
        found: list[Newcomers | None] = []
        for option, describer, known in (
            (USER_METADATA, self.describers[0], self.users),
            (ITEM_METADATA, self.describers[1], self.items),
        ):
            table = table_of(options, option)
            if table is None:
                found.append(None)
            elif describer is None:
                raise secondary_engine(f"The model was trained without {option}.")
            else:
                found.append(Newcomers.of(known, describer.read(table)))
        users, items = found
        if users is None and items is None:
            return self
        assert isinstance(self.recommender, Describable)  # it has describers
        return replace(
            self,
            users=self.users if users is None else users.names,
            items=self.items if items is None else items.names,
            seen=replace(
                self.seen,
                n_users=self.seen.n_users if users is None else len(users.names),
                n_items=self.seen.n_items if items is None else len(items.names),
            ),
            recommender=self.recommender.with_newcomers(users, items),
            describers=(None, None),
        )

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,); explicit ones within the range of those given."""
        found = self.recommender.ratings(users, items)
        return found if self.is_implicit else clipped(found, self.seen)

    def codes(
        self, table: pa.Table, *, of_users: bool, needs_both: bool = False
    ) -> CodeArray:
        """The users or the items of a table (n_rows,); -1 is one that is new.

        Raises:
            MySQLError: 3877 ML003011 the column is missing; there are NULLs in it.
        """
        name = self.users_column if of_users else self.items_column
        place = find_column(table.column_names, name)
        if place is None:
            both = [self.users_column, self.items_column]
            raise ml_error(
                "ML003011",
                "Columns of provided data need to match those used for training. "
                f"Provided - {table.column_names} vs Trained - "
                f"{both if needs_both else [name]}",
            )
        column = plain(table.column(place))
        if column.null_count:
            raise secondary_engine(f"Column '{name}' must not hold NULL.")
        return codes_in(column, self.users if of_users else self.items)

    def best_items(self, users: CodeArray, k: int, remove_seen: bool) -> Best:
        """The best k items of each user (n_users,), new users among them."""
        return self._best(users, k, remove_seen, True)

    def _best(self, codes: CodeArray, k: int, unseen: bool, of_users: bool) -> Best:
        width = self.seen.n_items if of_users else self.seen.n_users
        grid = self.recommender.grid if of_users else self.recommender.grid_of_items
        usual = self._usual[0] if of_users else self._usual[1]
        known = self._known[0] if of_users else self._known[1]

        def rated(part: CodeArray) -> FloatArray:
            found = np.tile(usual, (len(part), 1))
            old = part >= 0
            if old.any():
                found[old] = grid(part[old])
            return found

        def seen(part: CodeArray) -> MaskArray:
            found = np.zeros((len(part), width), bool)
            old = part >= 0
            found[old] = known[part[old]].toarray() > 0
            return found

        return best_of_each(codes, rated, width, k, seen if unseen else None)

    def _lists(
        self, codes: CodeArray, k: int, unseen: bool, of_users: bool
    ) -> pa.Array:
        asked, where = np.unique(codes, return_inverse=True)
        found = self._best(asked, k, unseen, of_users)
        if not self.is_implicit:
            found = Best(found.places, clipped(found.values, self.seen))
        names = self.items if of_users else self.users
        key = self.items_column if of_users else self.users_column
        return _list_text(found, names, key, self.target).take(pa.array(where))

    def _similar(self, codes: CodeArray, k: int, of_users: bool) -> pa.Array:
        vectors = self._vectors(of_users)
        asked, where = np.unique(codes, return_inverse=True)
        width = vectors.shape[0]

        def nearness(part: CodeArray) -> FloatArray:
            near = vectors[np.maximum(part, 0)] @ vectors.T
            return np.asarray(near.toarray() if sparse.issparse(near) else near)

        def unwanted(part: CodeArray) -> MaskArray:
            itself = np.arange(width)[None, :] == part[:, None]
            return np.asarray(itself | (part < 0)[:, None])

        found = best_of_each(asked, nearness, width, k, unwanted)
        names = self.users if of_users else self.items
        key = self.users_column if of_users else self.items_column
        return _list_text(found, names, key, "similarity").take(pa.array(where))

    def _vectors(self, of_users: bool) -> Any:
        """Of length 1, (n, width): factors, or ratings around the mean of each user."""
        recommender = self.recommender
        if isinstance(recommender, TwoTower | ContentFactors):
            recommender = recommender.factors
        if isinstance(recommender, Factors) and recommender.user_factors.shape[1]:
            rows = recommender.user_factors if of_users else recommender.item_factors
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            return rows / np.maximum(lengths, 1e-12)
        means = self.seen.mean_of_users(0.0)
        matrix = self.seen.matrix(self.seen.ratings - means[self.seen.users])
        matrix = matrix if of_users else matrix.T.tocsr()
        squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
        lengths = np.sqrt(np.maximum(squares, 1e-24))
        return (sparse.diags(1.0 / lengths) @ matrix).tocsr()

    def _ratings_text(self, found: FloatArray) -> pa.Array:
        key = json_key(self.target)
        values = numbers(np.round(found, 2))
        return joined([f'{{"predictions": {{{key}: ', values, "}}"])

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        arrays = {f"learned_{n}": a for n, a in self.recommender.arrays().items()}
        arrays |= {
            "seen_users": self.seen.users.astype(np.int32),
            "seen_items": self.seen.items.astype(np.int32),
            "seen_ratings": self.seen.ratings,
        }
        state = {
            "facts": self.facts.state(),
            "columns": [self.users_column, self.items_column, self.target],
            "users": self.users.to_pylist(),
            "items": self.items.to_pylist(),
            "kind": self.kind.name,
            "is_implicit": self.is_implicit,
            "describers": [
                None if describer is None else describer.state()
                for describer in self.describers
            ],
        }
        return state, arrays

    @classmethod
    def restore(cls, state: Mapping[str, Any], arrays: Arrays) -> "RecommendationModel":
        """Any exception means that it cannot be read."""
        users = pa.array(state["users"], pa.string())
        items = pa.array(state["items"], pa.string())
        who = arrays["seen_users"].astype(np.int64)
        what = arrays["seen_items"].astype(np.int64)
        ratings = arrays["seen_ratings"].astype(np.float64)
        for codes, names in ((who, users), (what, items)):
            if codes.shape != ratings.shape or not len(codes):
                raise ValueError("unsound interactions")
            if codes.min() < 0 or codes.max() >= len(names):
                raise ValueError("an interaction of nobody")
        if ratings.ndim != 1 or not np.isfinite(ratings).all():
            raise ValueError("unsound ratings")
        seen = Interactions.of(who, what, ratings, len(users), len(items))
        kind = next(k for k in (*EXPLICIT, *IMPLICIT) if k.name == state["kind"])
        learned = {
            name.removeprefix("learned_"): array
            for name, array in arrays.items()
            if name.startswith("learned_")
        }
        users_column, items_column, target = (str(name) for name in state["columns"])
        recommender = kind.restore(learned, seen)
        describers = tuple(
            None if one is None else Describer.restore(one)
            for one in state.get("describers", (None, None))
        )
        widths = tuple(0 if one is None else one.width for one in describers)
        asked = (0, 0)
        if isinstance(recommender, Describable):
            asked = recommender.n_described
        if widths != asked:
            raise ValueError("describers of another width")
        return cls(
            users_column,
            items_column,
            target,
            users,
            items,
            seen,
            kind,
            recommender,
            bool(state["is_implicit"]),
            SpecialFacts.from_state(state["facts"]),
            (describers[0], describers[1]),
        )


def _usual_items(seen: Interactions, is_implicit: bool) -> FloatArray:
    """What a new user gets: items by mean rating, or by number of interactions.

    Items that nobody has rated are last.
    """
    if is_implicit:
        return np.bincount(seen.items, minlength=seen.n_items).astype(np.float64)
    return seen.mean_of_items(float(seen.ratings.min()))


def _usual_users(seen: Interactions, is_implicit: bool) -> FloatArray:
    """What a new item gets: users, in the same way."""
    if is_implicit:
        return np.bincount(seen.users, minlength=seen.n_users).astype(np.float64)
    return seen.mean_of_users(float(seen.ratings.min()))


def _list_text(found: Best, names: pa.Array, key: str, value_key: str) -> pa.Array:
    """``{"predictions": {"item_id": ["a", ...], "rating": [4.06, ...]}}`` (n_rows,)."""
    is_there = found.places >= 0
    ends = np.concatenate([[0], np.cumsum(is_there.sum(axis=1))])
    offsets = pa.array(ends, pa.int32())
    quoted = json_strings(names).take(pa.array(found.places[is_there]))
    values = numbers(np.round(found.values[is_there], 2))
    lists = [
        pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ", ")
        for texts in (quoted, values)
    ]
    return joined(
        [
            f'{{"predictions": {{{json_key(key)}: [',
            lists[0],
            f"], {json_key(value_key)}: [",
            lists[1],
            "]}}",
        ]
    )
