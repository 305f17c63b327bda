"""The container of models and checkpoints: a safetensors file, everything but the tensors in JSON.

    __metadata__.glassnet = {"content": {...}, "format": 1, "kind": "model", "sha256": "..."}

The checksum covers the content and every tensor. Reading is strict: what is not exactly as it was
written is refused in one line, before anything of the size that a file claims is allocated.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.core.errors import BadFile, BadInput
from glassnet.core.formula import Array
from glassnet.exchange.files import read_bytes, write_bytes

FORMAT = 1
CURVE = "curve."  # begins the names of tensors that may hold nan and infinity
HEADER_LIMIT = 32 * 2**20
FILE_LIMIT = 4 * 2**30
DEPTH_LIMIT = 16

Tensors = Mapping[str, Array]


def write(
    path: str | os.PathLike[str], kind: str, content: Mapping[str, Any], tensors: Tensors
) -> None:
    """Write content and tensors, whole or not at all; the same in gives the same bytes out."""
    from safetensors.numpy import save

    plain_content = plain(content)
    # safetensors writes the memory of an array as it lies there, so it has to lie in order
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    text = _canonical(
        {
            "content": plain_content,
            "format": FORMAT,
            "kind": kind,
            "sha256": _checksum(kind, plain_content, arrays),
        }
    )
    if len(text) > HEADER_LIMIT // 2:
        got = f"what describes the {kind} has {len(text)} characters"
        raise BadInput(got, f"at most {HEADER_LIMIT // 2} were expected", "Keep fewer settings.")
    # one entry alone: safetensors keeps the metadata in no order
    write_bytes(path, save(arrays, metadata={"glassnet": text}))


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Content and tensors of a file that `write` wrote; an error that says what is wrong."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    name = os.fspath(path)
    data = read_bytes(path, FILE_LIMIT)
    metadata = _metadata(name, kind, data)
    try:
        tensors: dict[str, Array] = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise damaged(name, kind, str(error).splitlines()[0][:200]) from error
    content = metadata["content"]
    if metadata["sha256"] != _checksum(kind, content, tensors):
        raise damaged(name, kind, "its checksum does not fit what is in it")
    for tensor, array in tensors.items():
        if array.dtype not in (np.float64, np.float32):
            raise damaged(name, kind, f"{tensor} has dtype {array.dtype}, not float64 or float32")
        if not (tensor.startswith(CURVE) or np.isfinite(array).all()):
            raise damaged(name, kind, f"{tensor} holds nan or infinity")
    return content, tensors


def damaged(name: str, kind: str, what: str) -> BadFile:
    """The error for a file that once was right, or pretends to be."""
    hint = "Take a copy, or write it anew."
    return BadFile(f"{name} is damaged: {what}", f"a whole {kind} file was expected", hint)


def plain(value: Any, where: str = "settings", depth: int = 0) -> Any:
    """The same in JSON's own types; nan and infinity become null, which JSON has instead."""
    if depth > DEPTH_LIMIT:
        raise BadInput(f"{where} is nested too deeply", f"{DEPTH_LIMIT} levels were expected")
    if isinstance(value, Mapping):
        return {str(k): plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(one, where, depth + 1) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    got = f"{where} holds a {type(value).__name__}"
    raise BadInput(got, "numbers, text, lists and mappings were expected")


def fields(where: str, stored: Any, **wanted: type | tuple[type, ...]) -> list[Any]:
    """The values of an object that has exactly these keys, with values of these types."""
    if not isinstance(stored, dict):
        raise BadInput(f"{where} is {type(stored).__name__}", "an object was expected")
    odd = sorted(stored.keys() ^ wanted.keys())
    if odd:
        got = f"{where} has {'an unknown' if odd[0] in stored else 'no'} key {odd[0][:40]!r}"
        raise BadInput(got, f"its keys are {', '.join(wanted)}")
    for key, kind in wanted.items():
        value = stored[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if not fits or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(one.__name__ for one in kinds)
            raise BadInput(f"{where}.{key} is {type(value).__name__}", f"{names} was expected")
    return [stored[key] for key in wanted]


def texts(where: str, stored: Sequence[Any]) -> tuple[str, ...]:
    """A list of different texts."""
    if not all(isinstance(one, str) for one in stored) or len(set(stored)) != len(stored):
        raise BadInput(f"{where} holds something else or twice", "different texts were expected")
    return tuple(stored)


def shaped(name: str, kind: str, tensors: Tensors, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse tensors that are not exactly these, in one dtype."""
    odd = sorted(tensors.keys() ^ wanted.keys())
    if odd:
        how = "has a tensor it should not" if odd[0] in tensors else "lacks the tensor"
        raise damaged(name, kind, f"it {how}: {odd[0][:40]}")
    for tensor, shape in wanted.items():
        if tensors[tensor].shape != shape:
            got = f"{tensor} has shape {tensors[tensor].shape}, its network has {shape}"
            raise damaged(name, kind, got)
    if len({array.dtype for array in tensors.values()}) > 1:
        raise damaged(name, kind, "its tensors are of different dtypes")


# ---------------------------------------------------------------- the header


def _metadata(name: str, kind: str, data: bytes) -> dict[str, Any]:
    """The metadata, once size, header and version are seen to be right."""
    foreign = BadFile(f"{name} is no {kind} file", f"a {kind} written by glassnet was expected")
    if not data:
        raise BadFile(f"{name} is empty", f"a {kind} written by glassnet was expected")
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else HEADER_LIMIT + 1
    if length > HEADER_LIMIT or data[8:9] not in (b"{", b""):
        raise foreign
    metadata = _header(name, kind, data, length, foreign)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("glassnet"), str):
        raise foreign
    try:
        stored = _strict(metadata["glassnet"].encode())
    except (ValueError, RecursionError) as error:
        raise damaged(name, kind, "its description is no JSON as it should be") from error
    if len(metadata) > 1 or not isinstance(stored, dict):
        raise damaged(name, kind, "its metadata hold more than they should")
    version = stored.get("format")
    if isinstance(version, int) and version > FORMAT:
        got = f"{name} is of format {version}, from a newer glassnet"
        raise BadFile(got, f"format {FORMAT} was expected", "Try pip install --upgrade glassnet.")
    try:
        found = fields("metadata", stored, content=dict, format=int, kind=str, sha256=str)
    except BadInput as error:
        raise damaged(name, kind, f"{error.got}, {error.wanted}") from error
    if found[1] != FORMAT:
        raise damaged(name, kind, f"its format is {found[1]}")
    if found[2] != kind:
        raise BadFile(f"{name} is a {found[2][:40]!r} file", f"a {kind} was expected")
    return stored


def _header(name: str, kind: str, data: bytes, length: int, foreign: BadFile) -> Any:
    """The header's metadata, once the tensors that it lists fill the file exactly."""
    if len(data) < 8 + length:
        raise damaged(name, kind, "it is cut short")
    try:
        header = _strict(data[8 : 8 + length])
        metadata = header.pop("__metadata__")
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
        surplus = len(data) - 8 - length - max(ends, default=0)
    except (ValueError, RecursionError, AttributeError) as error:
        raise damaged(name, kind, "its header is no JSON as it should be") from error
    except (KeyError, TypeError, IndexError) as error:
        raise foreign from error
    if surplus:
        what = "it is cut short" if surplus < 0 else f"{surplus} bytes too many at its end"
        raise damaged(name, kind, what)
    return metadata


def _strict(text: bytes) -> Any:
    """JSON without NaN, doubled keys, infinite numbers or deep nesting."""

    def constant(token: str) -> Any:
        raise ValueError(f"{token} is no JSON")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            raise ValueError("a key stands twice")
        return dict(found)

    def number(token: str) -> float:
        if not math.isfinite(float(token)):
            raise ValueError(f"{token} is infinite")
        return float(token)

    value = json.loads(
        text.decode("utf-8"), parse_constant=constant, parse_float=number, object_pairs_hook=pairs
    )
    _shallow(value, 0)
    return value


def _shallow(value: Any, depth: int) -> None:
    if depth > DEPTH_LIMIT + 4:
        raise ValueError("nested too deeply")
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            _shallow(one, depth + 1)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _checksum(kind: str, content: Any, tensors: Tensors) -> str:
    """SHA-256 of the content and of every tensor: name, dtype, shape and bytes."""
    digest = hashlib.sha256(f"{kind}\n{_canonical(content)}\n".encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(_canonical([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()
