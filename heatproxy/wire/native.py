"""Raw memory for the kernels that turn rows into Arrow and back.

A kernel is a function compiled to machine code that runs without the GIL. Arrow
buffers and packets reach it as addresses (int64), so that one compiled kernel
serves every table; whoever calls it keeps the memory alive and within bounds.
All numbers are little endian, as on the wire and in Arrow.

The cache of compiled kernels notices changes of the kernel's own file only: after
editing this one, ``digits.py``, ``doubles.py`` or ``write_values.py``, touch the files
whose kernels use it.
"""

import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

if sys.byteorder != "little":
    raise ImportError("heatproxy's kernels are written for little-endian machines")

ir: Any = cast(Any, cgutils).ir  # llvmlite's, without depending on it by name

Function = TypeVar("Function", bound=Callable[..., Any])
Load = Callable[[int], int]
LoadFloat = Callable[[int], float]
Store = Callable[[int, int], None]

BLOCK_BYTES = 32  # what ``copy_block`` copies, in one or two machine instructions

_compiling = threading.Lock()


def kernel(function: Function) -> Function:
    """Compile without the GIL, keeping the machine code on disk.

    A kernel that another one calls becomes a part of it: a call for each value would
    cost more than most values do.
    """
    options: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
    compiler = cast(Any, njit)(**options, forceinline=True)
    return cast(Function, compiler(function))


def compile_once(function: Callable[..., Any], signature: str) -> None:
    """Compile a kernel for one signature (or load it) and for no other ever."""
    dispatcher = cast(Any, function)
    if is_compiled(function):  # while others are, nobody waits for them
        return
    with _compiling:
        if not dispatcher.signatures:
            dispatcher.compile(signature)
            dispatcher.disable_compile()


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether ``compile_once`` has nothing to do."""
    return not cast(Any, function)._can_compile


def address_of(memory: Any) -> int:
    """Where the bytes of a numpy array or of a bytes-like object begin."""
    if not isinstance(memory, np.ndarray):
        memory = np.frombuffer(memory, np.uint8)
    return int(memory.__array_interface__["data"][0])


def _load(stored: Any, result: Any, widen: str | None) -> Any:
    def load(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], stored.as_pointer())
            value = builder.load(pointer, align=1)
            if widen is None:
                return value
            return getattr(builder, widen)(value, context.get_value_type(result))

        return result(types.int64), generate

    return intrinsic(load)


def _store(stored: Any) -> Any:
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], stored.as_pointer())
            value = args[1]
            if value.type != stored:
                value = builder.trunc(value, stored)
            builder.store(value, pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    return intrinsic(store)


_BITS = {bits: ir.IntType(bits) for bits in (8, 16, 32, 64)}

load_u8: Load = _load(_BITS[8], types.int64, "zext")
load_u16: Load = _load(_BITS[16], types.int64, "zext")
load_u32: Load = _load(_BITS[32], types.int64, "zext")
load_i8: Load = _load(_BITS[8], types.int64, "sext")
load_i16: Load = _load(_BITS[16], types.int64, "sext")
load_i32: Load = _load(_BITS[32], types.int64, "sext")
load_i64: Load = _load(_BITS[64], types.int64, None)
load_f32: LoadFloat = _load(ir.FloatType(), types.float64, "fpext")
load_f64: LoadFloat = _load(ir.DoubleType(), types.float64, None)

store_8: Store = _store(_BITS[8])
store_16: Store = _store(_BITS[16])
store_32: Store = _store(_BITS[32])
store_64: Store = _store(_BITS[64])


def _copy_bytes(typing_context: Any, target: Any, source: Any, size: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointers = [builder.inttoptr(arg, _BITS[8].as_pointer()) for arg in args[:2]]
        cast(Any, cgutils).raw_memcpy(builder, *pointers, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


def _copy_block(typing_context: Any, target: Any, source: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointers = [builder.inttoptr(arg, _BITS[8].as_pointer()) for arg in args]
        size = ir.Constant(_BITS[64], BLOCK_BYTES)
        cast(Any, cgutils).raw_memcpy(builder, *pointers, size, 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def _count_zeros(instruction: str) -> Any:
    def count(typing_context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            zero_is_defined = ir.Constant(ir.IntType(1), 0)
            return getattr(builder, instruction)(args[0], zero_is_defined)

        return types.int64(types.int64), generate

    return intrinsic(count)


def _high_product(typing_context: Any, left: Any, right: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        factors = [builder.zext(arg, wide) for arg in args]
        product = builder.lshr(builder.mul(*factors), ir.Constant(wide, 64))
        return builder.trunc(product, _BITS[64])

    return types.uint64(types.uint64, types.uint64), generate


def _double_bits(typing_context: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _BITS[64])

    return types.int64(types.float64), generate


copy_bytes: Callable[[int, int, int], None] = cast(Any, intrinsic(_copy_bytes))
copy_block: Callable[[int, int], None] = cast(Any, intrinsic(_copy_block))
leading_zeros: Load = _count_zeros("ctlz")  # of 64 bits; 64 for zero
trailing_zeros: Load = _count_zeros("cttz")
high_product: Callable[[np.uint64, np.uint64], np.uint64]
high_product = cast(Any, intrinsic(_high_product))
double_bits: Callable[[float], int] = cast(Any, intrinsic(_double_bits))
signed: Callable[[np.uint64], int] = cast(Any, np.int64)
