"""Imports point downward only, the core needs nothing but the standard library, and importing it takes next to no time."""

from __future__ import annotations

import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import payseal

ROOT = Path(payseal.__file__).parent

#: Each part of the package and the floor it stands on. A part imports what is below it; beside it only what `BESIDE` says.
FLOORS: dict[str, int] = {
    "errors": 0,
    "grammar": 0,
    "mac": 0,
    "records": 0,
    "request": 0,
    "credentials": 0,
    "schemes": 0,
    "authenticated": 0,
    "presented": 1,
    "fastpath": 1,
    "signing": 1,
    "verification": 1,
    "ledger": 1,
    "explain": 1,
    "__init__": 2,  # the public names
    "clients": 3,
    "middleware": 3,
    "server": 4,
    "cli": 4,
    "__main__": 5,
}
#: What may be imported on the same floor. In the lowest, from right to left: errors and grammar know of nothing.
BESIDE: dict[str, set[str]] = {
    "mac": {"grammar"},
    "credentials": {"errors", "grammar", "mac"},
    "schemes": {"errors", "grammar", "mac", "request", "credentials"},
    "fastpath": {"presented"},
    "verification": {"presented", "fastpath"},
    "explain": {"signing", "verification"},
    "cli": {"server"},
    "server": {"cli"},
}
CORE = {part for part, floor in FLOORS.items() if floor <= 2}
#: The one name of the front door that lives above it, and is fetched when somebody asks for it.
FETCHED = {("__init__", "payseal.clients.explaining")}
#: The drivers that ledger backends may import, inside a function.
DRIVERS = {"redis", "valkey", "psycopg", "psycopg_pool"}


class Import(NamedTuple):
    file: Path
    line: int
    module: str
    lazy: bool  # inside a function
    typing: bool  # for the type checker alone


def imports(file: Path) -> Iterator[Import]:
    """Every import in a file: at the top, in functions, under conditions, and by name."""
    package = ["payseal", *file.relative_to(ROOT).parent.parts]

    def visit(node: ast.AST, lazy: bool, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(file, node.lineno, name.name, lazy, typing)
        elif isinstance(node, ast.ImportFrom):
            stem = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (stem, node.module or "") if part)
            for name in node.names:
                inner = ROOT.joinpath(*module.split(".")[1:], name.name)
                is_module = module.split(".")[0] == "payseal" and (inner.is_dir() or inner.with_suffix(".py").exists())
                yield Import(file, node.lineno, f"{module}.{name.name}" if is_module else module, lazy, typing)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module", "import_module"):
            target = node.args[0] if node.args else None
            # A name that is not written out cannot be checked.
            yield Import(
                file, node.lineno, target.value if isinstance(target, ast.Constant) and isinstance(target.value, str) else "?", lazy, typing
            )
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for statement in node.body:
                yield from visit(statement, lazy, True)
            for statement in node.orelse:
                yield from visit(statement, lazy, typing)
            return
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, lazy, typing)

    yield from visit(ast.parse(file.read_text("utf-8"), str(file)), False, False)


def part_of(module: str) -> str:
    """The part that a module of payseal belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def part_of_file(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


FILES = sorted(ROOT.rglob("*.py"))
IMPORTS = [each for file in FILES for each in imports(file)]


def shown(each: Import) -> str:
    return f"{each.file.relative_to(ROOT)}:{each.line} imports {each.module}"


def test_every_part_stands_on_a_floor() -> None:
    """A new part is entered above, and with that it is decided what it may know."""
    assert {part_of_file(file) for file in FILES} <= set(FLOORS)


def test_imports_point_downward() -> None:
    upward = []
    for each in IMPORTS:
        if each.module.split(".")[0] != "payseal":
            continue
        source, target = part_of_file(each.file), part_of(each.module)
        if target not in FLOORS:
            upward.append(f"{shown(each)}, which is not there")
        elif (source, each.module) in FETCHED and (each.lazy or each.typing):
            continue
        elif target != source and FLOORS[target] >= FLOORS[source] and target not in BESIDE.get(source, set()):
            upward.append(shown(each))
    assert not upward, "\n".join(upward)


def test_the_core_imports_only_the_standard_library() -> None:
    foreign = []
    for each in IMPORTS:
        part, top = part_of_file(each.file), each.module.split(".")[0]
        if part not in CORE or top == "payseal" or top in sys.stdlib_module_names:
            continue
        if not (part == "ledger" and top in DRIVERS and (each.lazy or each.typing)):
            foreign.append(shown(each))
    assert not foreign, "\n".join(foreign)


def test_no_test_and_no_tool_is_imported() -> None:
    assert not [shown(each) for each in IMPORTS if each.module.split(".")[0] in {"tests", "pytest", "hypothesis", "pip", "setuptools"}]


def test_the_core_reads_no_environment_and_writes_nowhere() -> None:
    """Time and randomness are passed in, or defaults that are called only when something is signed or verified."""
    for file in FILES:
        if part_of_file(file) not in CORE - {"ledger"}:
            continue
        text = file.read_text("utf-8")
        for word in (
            "os.environ",
            "os.getenv",
            "getenv(",
            "print(",
            "socket",
            "subprocess",
            "urlopen",
            "eval(",
            "exec(",
            "pickle.load",
            "logging",
        ):
            assert word not in text, f"{file.relative_to(ROOT)}: {word}"


def isolated(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60)


LIST = "import sys, json; before = set(sys.modules); import payseal; print(json.dumps(sorted(set(sys.modules) - before)))"


@cache
def loaded_by(code: str) -> frozenset[str]:
    """The modules that it prints. An interpreter of its own says so once: it starts as empty as the next."""
    return frozenset(json.loads(isolated(code).stdout))


def bare() -> frozenset[str]:
    """What an interpreter has that was asked for nothing."""
    return loaded_by("import sys, json; print(json.dumps(sorted(sys.modules)))")


def test_importing_payseal_loads_the_core_and_the_standard_library() -> None:
    loaded = loaded_by(LIST)
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"payseal"}
    assert not foreign
    parts = {part_of(name) for name in loaded if name.split(".")[0] == "payseal"} - {"__init__"}
    assert parts <= CORE
    assert parts >= {"errors", "request", "mac", "credentials", "schemes", "signing", "verification"}


@pytest.mark.parametrize(
    "module",
    ["sqlite3", "ssl", "asyncio", "http.client", "http", "email", "socket", "urllib.parse", "urllib.request", "pathlib", "difflib", "json", "tomllib",
     "secrets", "random", "datetime", "uuid", "logging", "threading", "subprocess", "concurrent.futures"],
)  # fmt: skip
def test_what_importing_payseal_does_not_load(module: str) -> None:
    # A .pth file of the environment may have loaded it before us; the interpreter of this check is isolated, not empty.
    assert module not in loaded_by(LIST) or module in bare()


def test_signing_and_verifying_loads_little_more() -> None:
    code = (
        "import sys, json, payseal\n"
        "scheme = payseal.scheme('fiserv-payments')\n"
        "known = payseal.Credential('k', 's')\n"
        "made = payseal.Signer(scheme, known).sign(payseal.Request('POST', '/', body=b'{}'))\n"
        "payseal.Verifier(scheme, known).verify(payseal.Request('POST', '/', made, b'{}'))\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    loaded = loaded_by(code) - bare()
    assert not loaded & {"sqlite3", "ssl", "asyncio", "http.client", "email", "socket", "urllib.parse", "uuid", "difflib", "payseal.ledger"}


IMPORT = "import time; began = time.process_time(); import payseal; print((time.process_time() - began) * 1000)"


@pytest.mark.alone
def test_importing_payseal_takes_less_than_60_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    isolated(IMPORT)  # so that it is compiled
    # Time of the processor, since other tests run beside this one; and the least of it, since they can only add to it.
    extra = [float(isolated(IMPORT).stdout) for _ in range(9)]
    while min(extra) >= 60 and len(extra) < 40:
        extra.append(float(isolated(IMPORT).stdout))
    median, least = statistics.median(extra), min(extra)
    with capsys.disabled():
        print(f"\nimport payseal: {median:.0f} ms more than a bare interpreter (median of {len(extra)} runs, the least {least:.0f} ms)")
    assert least < 60
