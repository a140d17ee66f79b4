"""XGBoost's JSON of a model, made anew from numbers that were checked.

XGBoost trusts its model files as LightGBM does: children that form a loop never end,
a column past the row reads foreign memory. A stored model is data that its owner can
write. So nothing of it reaches XGBoost but the arrays of its trees, each number that
would be followed checked, in a file that is written here.

Source: XGBoost, "Introduction to Model IO"; its doc/model.schema.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.xgboosting import OBJECTIVES

MOST_LEVELS = 1 << 16  # of a category; each takes a bit of a node
_NODE_NUMBERS = ("base_weights", "loss_changes", "sum_hessian", "split_conditions")
_NO_PARENT = 2**31 - 1
Node = npt.NDArray[np.int64]


def checked(
    text: bytes, objective: str, width: int, outputs: int, categorical: tuple[int, ...]
) -> bytes:
    """The same model over ``width`` columns with ``outputs`` scores a row.

    Raises:
        ValueError: it is not such a model, or not a sound one.
        KeyError, TypeError: it is no model at all.
    """
    learner = json.loads(text)["learner"]
    model = learner["gradient_booster"]["model"]
    rounds, rest = divmod(len(model["trees"]), outputs)
    _require(rounds > 0 and not rest, "number of trees")
    _require(objective in OBJECTIVES, "objective")
    _require(learner["objective"]["name"] == OBJECTIVES[objective], "objective")
    _require(model["tree_info"] == list(range(outputs)) * rounds, "tree_info")
    kinds = ["c" if i in set(categorical) else "q" for i in range(width)]
    trees = [_tree(tree, number, kinds) for number, tree in enumerate(model["trees"])]
    base = json.loads(learner["learner_model_param"]["base_score"])
    bases = _finite(base if isinstance(base, list) else [base])
    _require(len(bases) in (1, outputs), "base_score")
    return json.dumps(
        {
            "learner": {
                "attributes": {},
                "feature_names": [],
                "feature_types": kinds,
                "gradient_booster": {
                    "name": "gbtree",
                    "model": {
                        "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
                        "gbtree_model_param": {
                            "num_parallel_tree": "1",
                            "num_trees": str(len(trees)),
                        },
                        "iteration_indptr": [i * outputs for i in range(rounds + 1)],
                        "tree_info": list(range(outputs)) * rounds,
                        "trees": trees,
                    },
                },
                "learner_model_param": {
                    "base_score": json.dumps(bases.tolist()),
                    "boost_from_average": "1",
                    "num_class": str(outputs if outputs > 1 else 0),
                    "num_feature": str(width),
                    "num_target": "1",
                },
                "objective": _objective(objective, outputs),
            },
            "version": [3, 0, 0],
        }
    ).encode()


def _objective(objective: str, outputs: int) -> dict[str, Any]:
    name = OBJECTIVES[objective]
    if outputs > 1:
        return {"name": name, "softmax_multiclass_param": {"num_class": str(outputs)}}
    return {"name": name, "reg_loss_param": {"scale_pos_weight": "1"}}


def _tree(tree: Mapping[str, Any], number: int, kinds: list[str]) -> dict[str, Any]:
    size = len(tree["left_children"])
    _require(size > 0, "tree")
    left, right = _whole(tree, "left_children"), _whole(tree, "right_children")
    columns, types = _whole(tree, "split_indices"), _whole(tree, "split_type")
    default = _whole(tree, "default_left")
    for array in (left, right, columns, types, default):
        _require(len(array) == size, "lengths of a tree")
    parents = _parents(left, right)
    inner = left >= 0
    _require(bool(((columns >= 0) & (columns < len(kinds)))[inner].all()), "columns")
    _require(bool(np.isin(default, (0, 1)).all()), "default_left")
    by_category = np.array([kinds[i] == "c" for i in columns]) & inner
    _require(np.array_equal(types == 1, by_category), "split_type")
    numbers = {}
    for name in _NODE_NUMBERS:
        values = _finite(tree[name])
        _require(len(values) == size, name)
        numbers[name] = values.tolist()
    return {
        **numbers,
        **_categories(tree, np.flatnonzero(by_category)),
        "default_left": default.tolist(),
        "id": number,
        "left_children": left.tolist(),
        "parents": parents.tolist(),
        "right_children": right.tolist(),
        "split_indices": np.where(inner, columns, 0).tolist(),
        "split_type": types.tolist(),
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(len(kinds)),
            "num_nodes": str(size),
            "size_leaf_vector": "1",
        },
    }


def _parents(left: Node, right: Node) -> Node:
    """Each node but the first is the child of one earlier node: every walk ends."""
    size = len(left)
    nodes = np.arange(size)
    inner = left >= 0
    _require(bool(((left == -1) == (right == -1)).all()), "children")
    children = np.concatenate([left[inner], right[inner]])
    above = np.concatenate([nodes[inner], nodes[inner]])
    _require(np.array_equal(np.sort(children), np.arange(1, size)), "children")
    _require(bool((children > above).all()), "children")
    parents = np.full(size, _NO_PARENT)
    parents[children] = above
    return parents


def _categories(tree: Mapping[str, Any], expected: Node) -> dict[str, Any]:
    words, nodes = _whole(tree, "categories"), _whole(tree, "categories_nodes")
    starts = _whole(tree, "categories_segments")
    sizes = _whole(tree, "categories_sizes")
    _require(np.array_equal(nodes, expected), "categories_nodes")
    _require(len(starts) == len(sizes) == len(nodes), "categories")
    _require(bool((sizes > 0).all()) and int(sizes.sum()) == len(words), "categories")
    ends = np.cumsum(sizes)
    _require(np.array_equal(starts, ends - sizes), "categories_segments")
    _require(bool(((words >= 0) & (words < MOST_LEVELS)).all()), "categories")
    return {
        "categories": words.tolist(),
        "categories_nodes": nodes.tolist(),
        "categories_segments": starts.tolist(),
        "categories_sizes": sizes.tolist(),
    }


def _whole(tree: Mapping[str, Any], name: str) -> Node:
    values = tree[name]
    _require(all(type(value) is int for value in values), name)
    return np.array(values, dtype=np.int64)


def _finite(values: Any) -> npt.NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    _require(array.ndim == 1 and bool(np.isfinite(array).all()), "numbers")
    return array


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"the XGBoost model is unsound: {what}")
