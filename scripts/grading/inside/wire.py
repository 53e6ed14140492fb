"""What judge and handed-in code send each other.

From the judge to the handed-in code: pickles, tensors with their gradients, functions with what they refer to.
From the handed-in code to the judge: numbers, texts, lists and tensors, written down in JSON. Reading that runs no code,
whatever it holds. Anything else stays where it is, and the judge gets a reference to it.
"""

import base64
import collections.abc
import decimal
import importlib
import io
import marshal
import math
import numbers
import pickle
import sys
import types

DEEPEST = 40  # lists in lists
LARGEST = 50_000_000  # characters of an answer


def torch_if_used():
    """PyTorch, if this process has loaded it."""
    return sys.modules.get("torch")


def is_tensor(value) -> bool:
    torch = torch_if_used()
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))


def is_generator(value) -> bool:
    torch = torch_if_used()
    return torch is not None and isinstance(value, torch.Generator)


# To the handed-in code -----------------------------------------------------------------------


class _Sender(pickle.Pickler):
    def reducer_override(self, value):
        if is_generator(value):
            return _generator, (value.get_state().numpy().tobytes(),)
        if is_tensor(value) and type(value) is torch_if_used().Tensor:
            return _tensor, (tensor_to_plain(value),)
        if isinstance(value, types.FunctionType) and not _can_be_imported(value):
            cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
            code = marshal.dumps(value.__code__)
            return _function, (
                code,
                value.__module__,
                value.__name__,
                value.__defaults__,
                value.__kwdefaults__,
                cells,
            )
        return NotImplemented


def _can_be_imported(function) -> bool:
    found = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _function(code, module, name, defaults, kwdefaults, cells):
    names = vars(importlib.import_module(module))
    closure = tuple(types.CellType(value) for value in cells)
    function = types.FunctionType(marshal.loads(code), names, name, defaults, closure)
    function.__kwdefaults__ = kwdefaults
    return function


def _generator(state):
    torch = importlib.import_module("torch")
    generator = torch.Generator()
    generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
    return generator


def _tensor(plain):
    importlib.import_module("torch")
    return tensor_from_plain(plain)


def dumps(value) -> str:
    buffer = io.BytesIO()
    _Sender(buffer, protocol=5).dump(value)
    return base64.b64encode(buffer.getvalue()).decode()


def loads(text: str):
    """Only for what the judge has sent."""
    return pickle.loads(base64.b64decode(text))


# To the judge --------------------------------------------------------------------------------


def tensor_to_plain(tensor) -> dict:
    torch = torch_if_used()
    data = tensor.detach()
    data = (data if data.layout == torch.strided else data.to_dense()).cpu().resolve_conj().resolve_neg()
    raw = data.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    plain = {"dtype": str(data.dtype).removeprefix("torch."), "shape": list(data.shape)}
    plain |= {"data": base64.b64encode(raw).decode(), "leaf": tensor.is_leaf, "asks": tensor.requires_grad}
    if tensor.is_leaf and tensor.grad is not None:
        plain["grad"] = tensor_to_plain(tensor.grad)
    return plain


def tensor_from_plain(plain: dict):
    torch = torch_if_used()
    dtype, shape = getattr(torch, str(plain["dtype"]), None), tuple(map(int, plain["shape"]))
    if not isinstance(dtype, torch.dtype) or any(size < 0 for size in shape):
        raise ValueError("not a tensor")
    raw = bytearray(base64.b64decode(plain["data"]))
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError("not a tensor")
    tensor = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
    tensor = tensor.reshape(shape).clone()
    if plain.get("asks"):
        tensor.requires_grad_()
        if not plain.get("leaf"):
            return tensor * 1  # no leaf here either
    if plain.get("grad"):
        tensor.grad = tensor_from_plain(plain["grad"])
    return tensor


def encode(value, keep, depth: int = 0):
    """``value`` as JSON can hold it; ``keep(value)`` describes what stays here."""
    inner = [keep, depth + 1]
    if value is None or type(value) is bool or type(value) is float:
        return value
    if isinstance(value, str):
        return str.__str__(value)[:100_000]
    if type(value) is int:
        return (
            value if abs(value) < 2**62 else {"int": hex(value)} if abs(value) < 2**100_000 else keep(value)
        )
    if type(value) is complex:
        return {"complex": [value.real, value.imag]}
    if isinstance(value, int):  # an enumeration's
        return encode(int.__int__(value), *inner)
    is_float = isinstance(value, float) and not is_array(value)
    if is_float or isinstance(value, numbers.Rational | decimal.Decimal):
        return float(value)  # as the student's own check takes it
    if depth > DEEPEST:
        return keep(value)
    try:
        if is_tensor(value):
            return {"tensor": tensor_to_plain(value)}
        if is_array(value):
            if value.dtype.kind not in "biufc":
                return encode(value.tolist(), *inner)
            data = base64.b64encode(value.tobytes()).decode()
            scalar = not hasattr(value, "__array_finalize__") or type(value).__name__ != "ndarray"
            return {"array": [value.dtype.str, list(value.shape), data, scalar and not value.shape]}
    except Exception:
        return keep(value)
    if isinstance(value, dict):
        return {"dict": [[encode(key, *inner), encode(part, *inner)] for key, part in dict.items(value)]}
    for kind, name in ((tuple, "tuple"), (set, "set"), (frozenset, "set")):
        if isinstance(value, kind):
            return {name: [encode(part, *inner) for part in kind.__iter__(value)]}
    if isinstance(value, (list, collections.abc.Sequence, collections.abc.Iterator)) and not isinstance(
        value, (bytes, bytearray, memoryview)
    ):
        parts = []
        for part in value:
            parts.append(encode(part, *inner))
            if len(parts) > 1_000_000:
                return keep(value)
        return parts
    return keep(value)


def decode(plain, remote):
    """What ``encode`` has written; ``remote(description)`` stands for what has stayed there."""
    if plain is None or isinstance(plain, bool | int | float | str):
        return plain
    if isinstance(plain, list):
        return [decode(part, remote) for part in plain]
    ((kind, held),) = plain.items()
    if kind == "int":
        return int(held, 16)
    if kind == "complex":
        return complex(*held)
    if kind == "tensor":
        importlib.import_module("torch")
        return tensor_from_plain(held)
    if kind == "array":
        numpy = importlib.import_module("numpy")
        dtype, shape, data, scalar = held
        dtype = numpy.dtype(dtype)
        if dtype.kind not in "biufc":
            raise ValueError("not an array of numbers")
        array = numpy.frombuffer(base64.b64decode(data), dtype).reshape(tuple(shape)).copy()
        return array[()] if scalar else array
    if kind == "dict":
        return {decode(key, remote): decode(part, remote) for key, part in held}
    if kind in ("tuple", "set"):
        return {"tuple": tuple, "set": set}[kind](decode(part, remote) for part in held)
    if kind == "kept":
        return remote(held)
    raise ValueError(f"not an answer: {kind!r:.40}")


# What a call may change ----------------------------------------------------------------------


def changeable(value, depth: int = 0) -> list:
    """The tensors, arrays and generators in the arguments of a call, always in the same order."""
    if is_tensor(value) or is_array(value) or is_generator(value):
        return [value]
    if depth < DEEPEST and isinstance(value, (list, tuple)):
        return [found for part in value for found in changeable(part, depth + 1)]
    if depth < DEEPEST and isinstance(value, dict):
        return [found for part in value.values() for found in changeable(part, depth + 1)]
    return []


def state(value):
    """All that a call can change about one of these, as JSON can hold it."""
    if is_generator(value):
        return {"generator": base64.b64encode(value.get_state().numpy().tobytes()).decode()}
    return encode(value, lambda _: None)


def restore(value, plain) -> None:
    """Change ``value`` as the call has changed its copy."""
    if plain is None:
        return
    if is_generator(value):
        torch = torch_if_used()
        raw = bytearray(base64.b64decode(plain["generator"]))
        value.set_state(torch.frombuffer(raw, dtype=torch.uint8))
        return
    new = decode(plain, lambda _: None)
    if is_array(value) and is_array(new) and value.shape == new.shape and value.flags.writeable:
        value[...] = new
    elif is_tensor(value) and is_tensor(new):
        value.data = new.detach().clone()
        if value.is_leaf:
            value.requires_grad_(new.requires_grad)
            value.grad = new.grad
