"""The inner loops of stochastic gradient descent, compiled.

Each works in place on the arrays it is given, in the order it is given: the same
input gives the same factors.
"""

from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F")


def _compiled(function: F) -> F:
    return cast(F, cast(Any, njit)(cache=True)(function))


@_compiled
def svd_epoch(
    order: Any,
    users: Any,
    items: Any,
    ratings: Any,
    mean: float,
    user_bias: Any,
    item_bias: Any,
    user_factors: Any,
    item_factors: Any,
    rate: float,
    shrink: float,
) -> None:
    """One pass over the ratings: biases and factors follow the error of each."""
    width = user_factors.shape[1]
    for row in order:
        u, i = users[row], items[row]
        guess = mean + user_bias[u] + item_bias[i]
        for f in range(width):
            guess += user_factors[u, f] * item_factors[i, f]
        error = ratings[row] - guess
        user_bias[u] += rate * (error - shrink * user_bias[u])
        item_bias[i] += rate * (error - shrink * item_bias[i])
        for f in range(width):
            p, q = user_factors[u, f], item_factors[i, f]
            user_factors[u, f] = p + rate * (error * q - shrink * p)
            item_factors[i, f] = q + rate * (error * p - shrink * q)


@_compiled
def svdpp_epoch(
    order: Any,
    starts: Any,
    items: Any,
    ratings: Any,
    mean: float,
    user_bias: Any,
    item_bias: Any,
    user_factors: Any,
    item_factors: Any,
    seen_factors: Any,
    total: Any,
    pull: Any,
    rate: float,
    shrink: float,
) -> None:
    """One pass over the users: what one has rated says something by itself.

    ``total`` and ``pull`` (width,) are room for one user's sums; what has been seen is
    corrected once a user, not once a rating.
    """
    width = user_factors.shape[1]
    for u in order:
        begin, end = starts[u], starts[u + 1]
        if begin == end:
            continue
        norm = 1.0 / (end - begin) ** 0.5
        for f in range(width):
            total[f] = 0.0
            pull[f] = 0.0
        for row in range(begin, end):
            for f in range(width):
                total[f] += seen_factors[items[row], f] * norm
        for row in range(begin, end):
            i = items[row]
            guess = mean + user_bias[u] + item_bias[i]
            for f in range(width):
                guess += (user_factors[u, f] + total[f]) * item_factors[i, f]
            error = ratings[row] - guess
            user_bias[u] += rate * (error - shrink * user_bias[u])
            item_bias[i] += rate * (error - shrink * item_bias[i])
            for f in range(width):
                p, q = user_factors[u, f], item_factors[i, f]
                user_factors[u, f] = p + rate * (error * q - shrink * p)
                item_factors[i, f] = q + rate * (error * (p + total[f]) - shrink * q)
                pull[f] += error * q * norm
        for row in range(begin, end):
            i = items[row]
            for f in range(width):
                y = seen_factors[i, f]
                seen_factors[i, f] = y + rate * (pull[f] - shrink * y)


@_compiled
def bpr_epoch(
    order: Any,
    others: Any,
    starts: Any,
    users: Any,
    items: Any,
    item_bias: Any,
    user_factors: Any,
    item_factors: Any,
    rate: float,
    shrink: float,
) -> None:
    """One pass: what a user has chosen goes above ``others`` (n_rows,), if not chosen.

    The items of a user are sorted, so that they are searched by halves.
    """
    width = user_factors.shape[1]
    for step in range(len(order)):
        row = order[step]
        u, i, j = users[row], items[row], others[step]
        low, high = starts[u], starts[u + 1]
        while low < high:
            middle = (low + high) // 2
            if items[middle] < j:
                low = middle + 1
            else:
                high = middle
        if low < starts[u + 1] and items[low] == j:
            continue
        gap = item_bias[i] - item_bias[j]
        for f in range(width):
            gap += user_factors[u, f] * (item_factors[i, f] - item_factors[j, f])
        push = 1.0 / (1.0 + 2.718281828459045**gap)
        item_bias[i] += rate * (push - shrink * item_bias[i])
        item_bias[j] += rate * (-push - shrink * item_bias[j])
        for f in range(width):
            p, q, r = user_factors[u, f], item_factors[i, f], item_factors[j, f]
            user_factors[u, f] = p + rate * (push * (q - r) - shrink * p)
            item_factors[i, f] = q + rate * (push * p - shrink * q)
            item_factors[j, f] = r + rate * (-push * p - shrink * r)


@_compiled
def least_squares(
    starts: Any,
    codes: Any,
    others: Any,
    square: Any,
    prior: Any,
    chosen: float,
    other: float,
    shrink: float,
    found: Any,
) -> None:
    """The factors of each user, or item, that fit best to those of ``others``.

    ``codes[starts[n]:starts[n + 1]]`` are those of the others that belong to it;
    ``square`` (width, width) is the product of all others; ``prior`` (n, width) is what
    the factors shrink towards.
    """
    width = others.shape[1]
    for row in range(found.shape[0]):
        left = other * square
        right = found[row]
        for f in range(width):
            right[f] = shrink * prior[row, f]
        for f in range(width):
            left[f, f] += shrink
        for place in range(starts[row], starts[row + 1]):
            vector = others[codes[place]]
            for f in range(width):
                right[f] += chosen * vector[f]
                for g in range(width):
                    left[f, g] += (chosen - other) * vector[f] * vector[g]
        # by Cholesky's triangle, in place; LAPACK would take seconds to compile
        for f in range(width):
            for g in range(f + 1):
                total = left[f, g]
                for h in range(g):
                    total -= left[f, h] * left[g, h]
                left[f, g] = total**0.5 if f == g else total / left[g, g]
            for h in range(f):
                right[f] -= left[f, h] * right[h]
            right[f] /= left[f, f]
        for f in range(width - 1, -1, -1):
            for h in range(f + 1, width):
                right[f] -= left[h, f] * right[h]
            right[f] /= left[f, f]
