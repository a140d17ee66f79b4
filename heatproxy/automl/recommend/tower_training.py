"""How the towers learn: with PyTorch, which is imported when a training begins.

Users come in random order, some at a time, each with all of their ratings, so that what
a user has rated is looked up once; one's own pair is left out of it, as a pair that is
asked for later is. Now and then a user or an item that metadata describe is shown
without its name: it learns what to make of a new one.

One thread, one seed and PyTorch's deterministic algorithms: the same ratings give the
same towers.

Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.describing import WeightArray
from heatproxy.automl.recommend.factors import SEED, Factors, Settings, baseline
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.sides import Sides
from heatproxy.automl.recommend.towers import Tower, TwoTower
from heatproxy.errors import MySQLError, ml_error

EXTRA = "heatproxy[deep]"
MOST_SEEN = 10_000_000  # pairs that a training looks at, again and again
FEWEST_AT_ONCE, MOST_AT_ONCE = 1_024, 65_536  # pairs of one step
STEPS_OF_EPOCH = 100  # for large tables
FEWEST_STEPS = 300  # for small ones
OTHERS = 64  # items that nobody of a step need have chosen
HIDDEN = 32
NAMELESS = 0.2  # of those that are described


def is_there() -> bool:
    """Whether PyTorch is installed; it is not imported."""
    return find_spec("torch") is not None


def without_torch() -> MySQLError:
    return ml_error(
        "ML004002",
        "The model TwoTower needs PyTorch, which is not installed where heatproxy runs:"
        f" pip install '{EXTRA}'.",
    )


def require_torch() -> Any:
    """PyTorch, with one thread. Raises: MySQLError 3877, it is not installed."""
    try:
        # by name: type checkers would read all of it
        torch = import_module("torch")
    except ImportError:
        raise without_torch() from None
    torch.set_num_threads(1)
    return torch


def rating(seen: Interactions, settings: Settings, sides: Sides) -> TwoTower:
    """Towers that tell ratings. Raises: see ``require_torch``."""
    return _fitted(seen, settings, sides, is_implicit=False)


def ranking(seen: Interactions, settings: Settings, sides: Sides) -> TwoTower:
    """Towers that put what was chosen above what was not; ratings do not matter."""
    return _fitted(seen, settings, sides, is_implicit=True)


@dataclass(slots=True)
class _Side:
    """One tower while it learns: weights that are tensors."""

    torch: Any
    names: Any  # (n, width + 1), the bias last
    unknown: Any  # (1, width + 1)
    first: Any
    first_bias: Any
    second: Any
    described: Any  # (n, n_described), or None

    @classmethod
    def start(
        cls, torch: Any, random: Any, count: int, width: int, vectors: Any, scale: float
    ) -> "_Side":
        n_described = 0 if vectors is None else vectors.shape[1]

        def weights(rows: int, columns: int, deviation: float) -> Any:
            values = torch.randn(rows, columns, generator=random) * deviation
            return torch.nn.Parameter(values)

        names = torch.randn(count, width + 1, generator=random) * scale
        names[:, width] = 0.0
        n_inputs = width + 1 + n_described
        return cls(
            torch,
            torch.nn.Parameter(names),
            weights(1, width + 1, 0.0),
            weights(n_inputs, HIDDEN, n_inputs**-0.5),
            weights(1, HIDDEN, 0.0),
            weights(HIDDEN, width + 1, scale),
            None if vectors is None else torch.from_numpy(vectors),
        )

    @property
    def weights(self) -> list[Any]:
        return [*(self.names, self.unknown, self.first, self.first_bias, self.second)]

    def vectors(self, codes: Any, added: Any, random: Any = None) -> Any:
        """Of codes (n, width + 1). ``added`` (n, width + 1) joins their names.

        With ``random`` some of them go without a name.
        """
        torch = self.torch
        own = torch.nn.functional.embedding(codes, self.names)
        if added is not None:
            own = own + added
        described = None
        if self.described is not None:
            described = torch.nn.functional.embedding(codes, self.described)
            if random is not None:
                nameless = torch.rand(len(codes), 1, generator=random) < NAMELESS
                own = torch.where(nameless, self.unknown, own)
        inputs = own if described is None else torch.cat([own, described], dim=1)
        hidden = torch.relu(inputs @ self.first + self.first_bias)
        return own + hidden @ self.second

    def tower(self, added: WeightArray | None, scale: WeightArray) -> Tower:
        """What has been learned, its vectors (width + 1,) times ``scale``.

        ``added`` (n, width + 1) stays with the names.
        """
        names, unknown, first, first_bias, second = (
            weight.detach().numpy() for weight in self.weights
        )
        if added is not None:
            names = names + added
        first = first.copy()
        first[: len(scale)] /= scale[:, None]
        return Tower(
            names * scale, unknown[0] * scale, first, first_bias[0], second * scale
        )


@dataclass(slots=True)
class _Network:
    """Both towers, and what a user's rated items say of the user."""

    torch: Any
    random: Any
    users: _Side
    items: _Side
    rated: Any  # (n_items, width + 1)

    def of_rows(self, step: "_Step") -> tuple[Any, Any]:
        """The vectors of the users and of the items of a step's rows."""
        torch, look = self.torch, self.torch.nn.functional.embedding
        total = torch.nn.functional.embedding_bag(
            step.items, self.rated, step.offsets, mode="sum"
        )
        others = look(step.place, total) - look(step.items, self.rated)
        others = others * step.weights[:, None]
        return (
            self.users.vectors(step.users, others, self.random),
            self.items.vectors(step.items, None, self.random),
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """Pairs that are learned from together, those of each user in one piece."""

    users: Any
    items: Any
    truth: Any
    place: Any  # of each row's user among the step's users
    offsets: Any  # where the rows of each user begin
    weights: Any  # of the other items of each row's user
    user_shares: Any  # one by how many ratings each row's user has
    item_shares: Any


def _fitted(
    seen: Interactions, settings: Settings, sides: Sides, *, is_implicit: bool
) -> TwoTower:
    torch = require_torch()
    was = torch.get_deterministic_debug_mode()
    # use_deterministic_algorithms says the same, and imports a compiler for seconds
    torch.set_deterministic_debug_mode("error")
    # Shrinking weights would become numbers that are a hundred times slower. This holds
    # for all that this thread computes, so it is taken back.
    torch.set_flush_denormal(True)
    try:
        return _learned(torch, seen, settings, sides, is_implicit)
    finally:
        torch.set_flush_denormal(False)
        torch.set_deterministic_debug_mode(was)


def _learned(
    torch: Any, seen: Interactions, settings: Settings, sides: Sides, is_implicit: bool
) -> TwoTower:
    random = torch.Generator().manual_seed(SEED)
    width, scale = int(settings["n_factors"]), settings["init_std_dev"]
    start = partial(_Side.start, torch, random)
    network = _Network(
        torch,
        random,
        start(seen.n_users, width, sides.users, scale),
        start(seen.n_items, width, sides.items, scale),
        torch.nn.Parameter(
            torch.randn(seen.n_items, width + 1, generator=random) * scale
        ),
    )
    mean, deviation = 0.0, 1.0
    if not is_implicit:
        mean = float(seen.ratings.mean())
        deviation = float(seen.ratings.std()) or 1.0
        _begin_at_baseline(torch, network, seen, settings, deviation)
    truth = torch.from_numpy(((seen.ratings - mean) / deviation).astype(np.float32))
    weights = [*network.users.weights, *network.items.weights, network.rated]
    rate = settings["learning_rate"]
    moments = [(torch.zeros_like(one), torch.zeros_like(one)) for one in weights]
    n_steps = 0
    at_once = int(np.clip(len(seen) // STEPS_OF_EPOCH, FEWEST_AT_ONCE, MOST_AT_ONCE))
    at_once = min(at_once, max(32, len(seen) // 8))
    wanted = max(settings["n_epochs"], FEWEST_STEPS * at_once // len(seen))
    epochs = int(np.clip(MOST_SEEN // len(seen), 1, wanted))
    loss_of = _ranking_loss if is_implicit else _rating_loss
    numbers = np.random.default_rng(SEED)
    for epoch in range(epochs):
        for step in _steps(torch, seen, truth, numbers, at_once):
            loss_of(network, step, seen, settings, numbers).backward()
            n_steps += 1
            with torch.no_grad():
                _adam(weights, moments, rate * (1.0 - epoch / epochs), n_steps)
    return _kept(network, seen, sides, mean, deviation)


def _adam(
    weights: list[Any], moments: list[tuple[Any, Any]], rate: float, n_steps: int
) -> None:
    """One step of Adam; PyTorch's own takes seconds to import a compiler first."""
    for weight, (mean, square) in zip(weights, moments, strict=True):
        if weight.grad is None:  # nothing went without a name
            continue
        mean.lerp_(weight.grad, 0.1)
        square.mul_(0.999).addcmul_(weight.grad, weight.grad, value=0.001)
        root = (square / (1.0 - 0.999**n_steps)).sqrt_().add_(1e-8)
        weight.addcdiv_(mean, root, value=-rate / (1.0 - 0.9**n_steps))
        weight.grad = None


def _begin_at_baseline(
    torch: Any,
    network: _Network,
    seen: Interactions,
    settings: Settings,
    deviation: float,
) -> None:
    """The biases that shrinking alone would give are where they begin."""
    start = baseline(seen, settings)
    for side, bias in (
        (network.users, start.user_bias),
        (network.items, start.item_bias),
    ):
        with torch.no_grad():
            side.names[:, -1] = torch.from_numpy(bias / deviation).float()


def _steps(
    torch: Any,
    seen: Interactions,
    truth: Any,
    random: np.random.Generator,
    at_once: int,
) -> Iterator[_Step]:
    """All pairs once, about so many at a time."""
    starts = seen.starts
    counts = np.diff(starts)
    shares = 1.0 / np.maximum(np.bincount(seen.items, minlength=seen.n_items), 1)
    order = random.permutation(seen.n_users)
    order = order[counts[order] > 0]
    ends = np.cumsum(counts[order])
    cuts = np.unique(np.searchsorted(ends, np.arange(at_once, ends[-1], at_once)) + 1)
    for users in np.split(order, cuts):
        if not len(users):
            continue
        own = counts[users]
        offsets = np.concatenate([[0], np.cumsum(own)[:-1]])
        rows = np.repeat(starts[users] - offsets, own) + np.arange(own.sum())
        many = np.repeat(own, own)
        weights = 1.0 / np.sqrt(np.maximum(many - 1, 1))
        yield _Step(
            torch.from_numpy(seen.users[rows]),
            torch.from_numpy(seen.items[rows]),
            truth[torch.from_numpy(rows)],
            torch.from_numpy(np.repeat(np.arange(len(users)), own)),
            torch.from_numpy(offsets),
            torch.from_numpy(weights.astype(np.float32)),
            torch.from_numpy((1.0 / many).astype(np.float32)),
            torch.from_numpy(shares[seen.items[rows]].astype(np.float32)),
        )


def _rating_loss(
    network: _Network,
    step: _Step,
    seen: Interactions,
    settings: Settings,
    random: np.random.Generator,
) -> Any:
    """Squares of the errors, and of the vectors, which keeps those near 0.

    Those of each user and item count once, however many ratings there are.
    """
    users, items = network.of_rows(step)
    found = (users[:, :-1] * items[:, :-1]).sum(1) + users[:, -1] + items[:, -1]
    shrunk = 0.0
    for vectors, shares, shrink in (
        (users, step.user_shares, settings["reg_u"]),
        (items, step.item_shares, settings["reg_i"]),
    ):
        squares = settings["reg_all"] * (vectors[:, :-1] ** 2).sum(1)
        shrunk = shrunk + ((squares + shrink * vectors[:, -1] ** 2) * shares).mean()
    return ((step.truth - found) ** 2).mean() + shrunk


def _ranking_loss(
    network: _Network,
    step: _Step,
    seen: Interactions,
    settings: Settings,
    random: np.random.Generator,
) -> Any:
    """How little likely the chosen item is among others, by softmax."""
    torch = network.torch
    users, items = network.of_rows(step)
    chosen = (users[:, :-1] * items[:, :-1]).sum(1) + items[:, -1]
    some = random.integers(0, seen.n_items, OTHERS)
    others = network.items.vectors(torch.from_numpy(some), None, network.random)
    found = users[:, :-1] @ others[:, :-1].T + others[:, -1]
    wanted = _pairs_in(seen, step.users.numpy()[:, None], some[None, :])
    found = found.masked_fill(torch.from_numpy(wanted), -torch.inf)
    every = torch.logsumexp(torch.cat([chosen[:, None], found], dim=1), dim=1)
    squares = (users[:, :-1] ** 2).sum(1) + (items**2).sum(1)
    return (every - chosen).mean() + settings["reg_all"] * squares.mean()


def _pairs_in(seen: Interactions, users: CodeArray, items: CodeArray) -> Any:
    """Which pairs of codes are among those seen, which are sorted."""
    every = seen.users * seen.n_items + seen.items
    asked = users * seen.n_items + items
    places = np.minimum(np.searchsorted(every, asked), len(every) - 1)
    return every[places] == asked


def _kept(
    network: _Network, seen: Interactions, sides: Sides, mean: float, deviation: float
) -> TwoTower:
    """The vectors of all, and the towers that metadata may be asked of later."""
    rated = network.rated.detach().numpy()
    weights = 1.0 / np.sqrt(np.maximum(np.diff(seen.starts), 1))
    history = np.asarray(seen.matrix(weights[seen.users]) @ rated, np.float32)
    scale = np.full(rated.shape[1], deviation, np.float32)
    users = network.users.tower(history, scale)
    scale = np.ones(rated.shape[1], np.float32)
    scale[-1] = deviation
    items = network.items.tower(None, scale)
    user_vectors, item_vectors = (
        _vectors(users, sides.users),
        _vectors(items, sides.items),
    )
    factors = Factors(
        mean,
        user_vectors[:, -1].copy(),
        item_vectors[:, -1].copy(),
        user_vectors[:, :-1].copy(),
        item_vectors[:, :-1].copy(),
    )
    return TwoTower(
        factors,
        None if sides.users is None else users,
        None if sides.items is None else items,
    )


def _vectors(tower: Tower, described: WeightArray | None) -> FloatArray:
    count = len(tower.names)
    if described is None:
        described = np.zeros((count, 0), np.float32)
    return tower.vectors(np.arange(count), described).astype(np.float64)
