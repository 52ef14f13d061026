"""What the installed SDKs offer: every method of every resource, with the HTTP paths it names."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

SDKS = ("openai", "anthropic")
_VERBS = {
    "_post": "post",
    "_get": "get",
    "_get_api_list": "get",
    "_put": "put",
    "_patch": "patch",
    "_delete": "delete",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One public method, named by its attribute path on a client.

    `requests` are the HTTP methods and paths in its own code; a helper that only calls other
    methods has none.
    """

    sdk: str
    name: str
    requests: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        return f"{self.sdk}.{self.name}"


@cache
def offers() -> tuple[Offer, ...]:
    """All that the installed SDKs offer, sync and async alike."""
    found: dict[str, Offer] = {}
    for sdk in SDKS:
        for kind in _resource_classes(sdk):
            for offer in _offers_of(sdk, kind):
                before = found.get(str(offer))
                requests = offer.requests | (before.requests if before else frozenset())
                found[str(offer)] = Offer(sdk, offer.name, requests)
    return tuple(found[name] for name in sorted(found))


def _resource_classes(sdk: str) -> Iterator[type]:
    package = importlib.import_module(f"{sdk}.resources")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    bases = importlib.import_module(f"{sdk}._resource")
    for base in (bases.SyncAPIResource, bases.AsyncAPIResource):
        for kind in _subclasses(base):
            if kind.__module__.startswith(f"{package.__name__}."):
                yield kind


def _subclasses(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _offers_of(sdk: str, kind: type) -> Iterator[Offer]:
    parts = kind.__module__.split(".")[2:]
    if parts[-2:-1] == parts[-1:]:
        parts.pop()  # chat.completions.completions holds client.chat.completions
    sources = _methods_of(kind.__module__).get(kind.__name__, {})
    for name, member in vars(kind).items():
        if not name.startswith("_") and callable(member) and not isinstance(member, type):
            requests = frozenset(chain.from_iterable(map(_requests, sources.get(name, ()))))
            yield Offer(sdk, ".".join((*parts, name)), requests)


@cache
def _methods_of(module: str) -> dict[str, dict[str, list[ast.AST]]]:
    """The source of each class's methods, overloads included."""
    source = inspect.getsource(importlib.import_module(module))
    found: dict[str, dict[str, list[ast.AST]]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            methods = found.setdefault(node.name, {})
            for part in node.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    methods.setdefault(part.name, []).append(part)
    return found


def _requests(method: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            verb = _VERBS.get(node.func.attr)
            path = _path(node.args[0]) if verb and node.args else None
            if verb and path:
                yield verb, path


def _path(argument: ast.expr) -> str | None:
    """The path that an argument spells, its parameters as `{}`, without a query."""
    if isinstance(argument, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in argument.values]
        return "".join(map(str, parts)).partition("?")[0]
    for node in ast.walk(argument):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and value.startswith("/"):
            return value.partition("?")[0]
    return None
