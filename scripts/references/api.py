"""The public names of the engine, from its sources. Nothing is imported, so every version of Python writes the same."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from references.markdown import code, page, table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "am_core"
THEMES = {
    "machine": ("Machine", "machine resolution.mutation resolution.queue resolution.transition resolution.steps"),
    "schema": ("Schemas", "schemas.schema schemas.typed schemas.names engine.reschema schemas.snapshot schemas.groups"),
    "handlers": ("Handlers", "handling.handlers handling.on engine.failures engine.runners"),
    "waiting": ("Waiters and contexts", "waiting.waiters waiting.contexts waiting.signals"),
    "clocks": ("Clocks", "clock"),
    "observing": ("Logs and tracers", "logs tracer engine.breakpoints waiting.wait_info facets.pipe_info"),
    "errors": ("Errors", "errors"),
}
MODULES = {
    "pipes": "Pipes",
    "mirrors": "Mirrors",
    "history.sqlite": "Histories in SQLite files",
    "diagrams": "Diagrams",
    "stdlog": "Logging with the standard library",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Name(NamedTuple):
    """A public name and where it is defined."""

    name: str
    module: str


@cache
def parsed(module: str) -> ast.Module:
    """The source of a module or package, by its dotted name."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(module: str) -> dict[str, str]:
    """Names that a module has from other modules of the package, with those modules."""
    found: dict[str, str] = {}
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            found.update({alias.asname or alias.name: str(node.module) for alias in node.names})
    return found


def exported(module: str) -> list[str]:
    """What ``__all__`` of a package lists, or else the public definitions of a module."""
    names: list[str] = []
    for node in parsed(module).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]  # it is an assignment
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names.append(node.name)
    return [name for name in names if not name.startswith("_")]


def origin(name: str, module: str) -> Name:
    """Where a name that a module offers is defined."""
    source = imports(module).get(name)
    return Name(name, module) if source is None or source == PACKAGE else origin(name, source)


def pages() -> dict[str, str]:
    """Every page by its path in the folder of the reference."""
    themes = {key: list[Name]() for key in THEMES}
    by_module = {f"{PACKAGE}.{module}": key for key, (_, modules) in THEMES.items() for module in modules.split()}
    for name in exported(PACKAGE):
        place = origin(name, PACKAGE)
        if place.module != PACKAGE:
            themes[by_module.get(place.module, "machine")].append(place)
    known = {name for names in themes.values() for name in names}
    parts = {key: (THEMES[key][0], PACKAGE, names) for key, names in themes.items()}
    for module, title in MODULES.items():
        names = [place for place in _offered(f"{PACKAGE}.{module}") if place not in known]
        parts[module] = (title, f"{PACKAGE}.{module}", names)
    for folder in public_packages():
        module = f"{PACKAGE}.{folder.name}"
        parts[folder.name] = (f"`{module}`", module, [place for place in _offered(module) if place not in known])
    written = {f"api/{key}.md": _page(title, module, names) for key, (title, module, names) in parts.items()}
    rows = [
        [f"[{title}]({key}.md)", code(module), ", ".join(code(name.name) for name in names)]
        for key, (title, module, names) in parts.items()
    ]
    lead = "Everything public, from the docstrings. For an introduction see the [concepts](../../README.md#concepts)."
    return {"api/README.md": page("API reference", lead, table(["Page", "Import from", "Names"], rows)), **written}


def public_packages() -> list[Path]:
    """Folders of the packages that offer names themselves; the others are the engine's own."""
    inits = sorted((ROOT / PACKAGE).glob("*/__init__.py"))
    return [path.parent for path in inits if "__all__" in path.read_text(encoding="utf-8")]


def _offered(module: str) -> list[Name]:
    return [origin(name, module) for name in exported(module)]


def _page(title: str, module: str, names: list[Name]) -> str:
    blocks = [prose(ast.get_docstring(parsed(module)) or "")] if module != PACKAGE else []
    blocks.append(f"To be imported from `{module}`.")
    return page(title, *blocks, *(block for name in names for block in described(name)))


def described(place: Name) -> Iterator[str]:
    """The section about a name."""
    for node in parsed(place.module).body:
        if isinstance(node, ast.ClassDef) and node.name == place.name:
            yield from _class(node, place.module)
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == place.name:
            yield f"## {node.name}"
            yield f"```\n{signature(node)}\n```"
            yield prose(ast.get_docstring(node) or "")
            return
    for name, kind, text in _attributes(parsed(place.module).body):
        if name == place.name:
            yield f"## {name}"
            yield f"{code(kind)}. {text}" if kind else text
            return
    yield f"## {place.name}"


def _class(node: ast.ClassDef, module: str) -> Iterator[str]:
    yield f"## {node.name}"
    bases = [ast.unparse(base) for base in node.bases]
    initial = next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None)
    head = f"{node.name}{_arguments(initial)}" if initial else f"{node.name}{_fields(node)}"
    yield f"```\nclass {head.removesuffix('()')}\n```"
    yield prose(ast.get_docstring(node) or "")
    public = [base for base in bases if not any(base == other.name for other, _ in _layers(node, module)[1:])]
    if public:
        yield f"Base: {', '.join(map(code, public))}."
    if any(base.endswith(("Enum", "States")) for base in bases):
        members = [item for item in node.body if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)]
        yield "```\n" + "\n".join(ast.unparse(item) for item in members) + "\n```"
    rows: list[list[str]] = []
    methods: list[str] = []
    seen: set[str] = set()
    for layer, _ in _layers(node, module):
        aliases = _aliases(layer)
        for name, kind, text in _attributes(_with_init(layer)):
            if name not in seen:
                seen.add(name)
                rows.append([code(name), code(kind) if kind else "", text])
        for item in layer.body:
            if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) or item.name.startswith("_"):
                continue
            decorators = {ast.unparse(decorator) for decorator in item.decorator_list}
            if item.name in seen or any(decorator.endswith((".setter", "overload")) for decorator in decorators):
                continue
            seen.add(item.name)
            text = prose(ast.get_docstring(item) or "")
            if not text and "property" not in decorators:
                # Hooks and the like, which their base explains.
                continue
            if "property" in decorators:
                kind = ast.unparse(item.returns) if item.returns else ""
                rows.append([code(item.name), code(kind), " ".join(text.split())])
            else:
                also = f"Also called {', '.join(map(code, aliases[item.name]))}." if item.name in aliases else ""
                methods.append(
                    "\n\n".join(filter(None, [f"### {item.name}", f"```\n{signature(item)}\n```", text, also]))
                )
    if rows:
        yield table(["Attribute", "Type", "Meaning"], rows)
    yield from methods


def _fields(node: ast.ClassDef) -> str:
    """Arguments of classes whose constructor is made from their fields."""
    marks = {ast.unparse(mark).partition("(")[0] for mark in (*node.decorator_list, *node.bases)}
    if not marks & {"dataclass", "NamedTuple"} or any("init=False" in ast.unparse(d) for d in node.decorator_list):
        return ""
    fields = [
        item for item in node.body if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation)
    ]
    parts = [
        _spaced(ast.unparse(item).replace(" = ", "=", 1))
        for item in fields
        if not ast.unparse(item.target).startswith("_")
    ]
    parts = [re.sub(r"field\(default_factory=(\w+)\)", r"\1()", part) for part in parts]
    return _listed(node.name, parts)


def _layers(node: ast.ClassDef, module: str) -> list[tuple[ast.ClassDef, str]]:
    """The class and those of its bases that are no public names themselves."""
    layers = [(node, module)]
    public = set(exported(PACKAGE))
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        source = imports(module).get(name, module)
        if name in public:
            continue
        for other in parsed(source).body:
            if isinstance(other, ast.ClassDef) and other.name == name:
                layers += _layers(other, source)
    return layers


def _with_init(node: ast.ClassDef) -> list[ast.stmt]:
    """Statements that may document attributes: those of the class and of its constructor."""
    initial = [item.body for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    return [*node.body, *(initial[0] if initial else [])]


def _attributes(body: list[ast.stmt]) -> Iterator[tuple[str, str, str]]:
    """Name, type and text of everything that is assigned and followed by a text."""
    for item, after in pairwise(body):
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if not documented or not isinstance(item, (ast.Assign, ast.AnnAssign)):
            continue
        target = item.targets[0] if isinstance(item, ast.Assign) else item.target
        name = target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)
        if not name.startswith("_"):
            kind = ast.unparse(item.annotation) if isinstance(item, ast.AnnAssign) else ""
            yield name, "" if kind in ("Final", "ClassVar") else kind, " ".join(prose(str(after.value.value)).split())  # type: ignore[attr-defined]  # checked above


def _aliases(node: ast.ClassDef) -> dict[str, list[str]]:
    """Other names of methods, as in ``add1 = add``."""
    found: dict[str, list[str]] = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Name):
            found.setdefault(item.value.id, []).append(ast.unparse(item.targets[0]))
    return found


def signature(node: Function) -> str:
    """As it is called, without ``self``."""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{'async ' if isinstance(node, ast.AsyncFunctionDef) else ''}{node.name}{_arguments(node)}{returns}"


def _arguments(node: Function) -> str:
    arguments = ast.parse(ast.unparse(node.args).join(["def f(", "): ..."])).body[0].args  # type: ignore[attr-defined]  # a function, as written
    for group in (arguments.posonlyargs, arguments.args):
        if group and group[0].arg in ("self", "cls"):
            del group[0]
            break
    return _listed(node.name, [_spaced(part) for part in _split(ast.unparse(arguments)) if part])


def _listed(name: str, parts: list[str]) -> str:
    """Arguments on one line, or one on each where that would be long."""
    text = ", ".join(parts)
    if len(name) + len(text) < 110:
        return f"({text})"
    return "(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _spaced(part: str) -> str:
    """An argument with blanks around the sign before its default, where it has a type."""
    name, colon, rest = part.partition(": ")
    kind, equals, default = rest.partition("=")
    return f"{name}: {kind} = {default}" if colon and equals else part


def _split(text: str) -> Iterator[str]:
    """Arguments one by one; commas within brackets do not count."""
    depth, start = 0, 0
    for position, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def prose(text: str) -> str:
    """A docstring as Markdown."""
    text = re.sub(r":\w+:`~?([^`]+)`", lambda match: code(match[1].rpartition(".")[2]), inspect.cleandoc(text))
    text = text.replace("``", "`")
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if line in ("Args:", "Raises:", "Returns:", "Yields:"):
            inside = True
            lines += [f"{line}", ""]
        elif inside and (item := re.match(r"    ([\w*]+): (.*)", line)):
            lines.append(f"- {code(item[1])}: {item[2]}")
        elif inside and line.strip():
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines).strip()
