"""Whether the text of a LightGBM model is safe to hand to LightGBM.

LightGBM trusts its model files: child numbers that form a loop never return, a
column number past the row reads foreign memory. A stored model is data that its owner
can write, so each number that LightGBM would follow is checked first.

Source: LightGBM, src/io/gbdt_model_text.cpp and src/io/tree.cpp.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

OBJECTIVES = ("binary", "multiclass", "regression", "regression_l1", "poisson")

_PER_SPLIT = {
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_value",
    "internal_weight",
    "internal_count",
}
_PER_LEAF = {"leaf_value", "leaf_weight", "leaf_count"}
_SINGLE = {"num_leaves", "num_cat", "is_linear", "shrinkage"}
_CATEGORIES = {"cat_boundaries", "cat_threshold"}
_WHOLE = {
    "split_feature",
    "decision_type",
    "left_child",
    "right_child",
    *_CATEGORIES,
    *_SINGLE,
} - {"shrinkage"}
_HEADER = {
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "feature_infos",
    "tree_sizes",
}
Fields = dict[str, npt.NDArray[Any]]


def check(text: str, width: int, outputs: int) -> None:
    """Accept a model over ``width`` columns with ``outputs`` scores a row.

    Raises:
        ValueError: the text is not such a model, or not a sound one.
    """
    head, _, rest = text.partition("\n\n")
    body, end, _ = rest.partition("end of trees")
    _require(bool(end) and text.isascii(), "no LightGBM model")
    header = _header(head)
    _require(header["max_feature_idx"] == str(width - 1), "another number of columns")
    _require(header["num_class"] == str(outputs), "another number of classes")
    _require(header["num_tree_per_iteration"] == str(outputs), "trees a round")
    _require(header["objective"].split(" ")[0] in OBJECTIVES, "objective")
    for key in ("feature_names", "feature_infos"):
        _require(len(header[key].split(" ")) == width, key)
    sizes = [int(size) for size in header["tree_sizes"].split()]
    _require(len(sizes) > 0 and len(sizes) % outputs == 0, "number of trees")
    _require(min(sizes) > 0 and sum(sizes) == len(body), "tree sizes")
    start = 0
    for number, size in enumerate(sizes):
        tree = body[start : start + size]
        title, _, lines = tree.partition("\n")
        _require(title == f"Tree={number}", "tree sizes")
        _check_tree(_fields(lines), width)
        start += size


def _header(head: str) -> dict[str, str]:
    title, *lines = head.split("\n")
    _require(title == "tree", "no LightGBM model")
    header = dict(line.split("=", 1) for line in lines if "=" in line)
    _require(set(header) == _HEADER and len(lines) == len(_HEADER), "header")
    return header


def _fields(lines: str) -> Fields:
    fields: Fields = {}
    for line in lines.strip("\n").split("\n"):
        key, equals, value = line.partition("=")
        _require(bool(equals) and key not in fields, "tree")
        kind = np.int64 if key in _WHOLE else np.float64
        fields[key] = np.array(value.split(), dtype=kind)
    return fields


def _check_tree(fields: Fields, width: int) -> None:
    _require(all(len(fields[key]) == 1 for key in _SINGLE), "tree")
    leaves, categories = int(fields["num_leaves"][0]), int(fields["num_cat"][0])
    _require(leaves >= 1 and categories >= 0, "leaves")
    _require(not fields["is_linear"][0], "linear trees")
    expected = _SINGLE | (_CATEGORIES if categories else set())
    _require(set(fields) == expected | _PER_SPLIT | _PER_LEAF, "tree")
    for key in _PER_SPLIT:
        _require(len(fields[key]) == leaves - 1, key)
    for key in _PER_LEAF:
        # a tree that found no split writes its value but neither weight nor count
        _require(len(fields[key]) in ({1, 0} if leaves == 1 else {leaves}), key)
    _require(len(fields["leaf_value"]) == leaves, "leaf_value")
    _require(bool(np.isfinite(fields["leaf_value"]).all()), "leaf_value")
    _check_children(fields, leaves)
    columns = fields["split_feature"]
    _require(_within(columns, 0, width - 1), "split_feature")
    _check_categories(fields, categories)


def _check_children(fields: Fields, leaves: int) -> None:
    """Each node is the child of one earlier node, so every walk ends at a leaf."""
    left, right = fields["left_child"], fields["right_child"]
    children = np.concatenate([left, right])
    parents = np.concatenate([np.arange(leaves - 1)] * 2)
    inner = children >= 0
    _require(bool((children[inner] > parents[inner]).all()), "children")
    _require(
        np.array_equal(np.sort(children[inner]), np.arange(1, leaves - 1)), "children"
    )
    if leaves > 1:
        _require(
            np.array_equal(np.sort(~children[~inner]), np.arange(leaves)), "children"
        )


def _check_categories(fields: Fields, categories: int) -> None:
    kinds = fields["decision_type"]
    _require(_within(kinds, 0, 15), "decision_type")
    by_category = (kinds & 1) == 1
    if not categories:
        _require(not by_category.any(), "decision_type")
        return
    bounds, words = fields["cat_boundaries"], fields["cat_threshold"]
    _require(len(bounds) == categories + 1 and bounds[0] == 0, "cat_boundaries")
    _require(bool((np.diff(bounds) > 0).all()), "cat_boundaries")
    _require(bounds[-1] == len(words), "cat_threshold")
    _require(_within(words, 0, 2**32 - 1), "cat_threshold")
    _require(_within(fields["threshold"][by_category], 0, categories - 1), "threshold")


def _within(values: npt.NDArray[Any], low: float, high: float) -> bool:
    return bool(((values >= low) & (values <= high)).all())


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"the LightGBM text is unsound: {what}")
