"""The code that a processor's results depend on, as it is in files and as it was loaded."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import hepcol

# Their versions are part of what a run depends on, so their files need not be read
_VERSIONED = frozenset({"awkward", "coffea", "hepcol", "hist", "numba", "numpy", "uproot", *sys.stdlib_module_names})
# Parts of hepcol that look at results and do not make them
_ONLY_LOOKS = ("inference", "report", "cli.py")


def processor_digest(kind: Any) -> str | None:
    """Hash of the code of a processor's class or function; None if it is in no file.

    It is that of the files: of its package, or of its module and those beside it that it imports, and likewise of its
    base classes. Where a module was loaded before its file was edited, what was loaded enters, too: a run with it is
    none of what the file says now.
    """
    files = set(_sources(kind))
    for base in getattr(kind, "__mro__", ())[1:]:
        if base.__module__.partition(".")[0] not in _VERSIONED:
            files |= set(_sources(base))
    return digest(files, *_loaded_otherwise(files)) if files else None


def hepcol_digest() -> str:
    """Hash of hepcol's own code, as far as it makes results."""
    return digest(_hepcol_sources())


def digest(files: Iterable[Path], *more: str) -> str:
    """Hash of the contents of files, wherever they are installed."""
    contents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(set(files))]
    return short("".join((*contents, *more)))


def short(text: str) -> str:
    """Hash of a text, short enough to be read."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hepcol_sources() -> Iterable[Path]:
    """Files of hepcol that make results."""
    folder = Path(hepcol.__file__).parent
    return (file for file in folder.rglob("*.py") if file.relative_to(folder).parts[0] not in _ONLY_LOOKS)


def _sources(kind: Any) -> Iterable[Path]:
    """Files that the code of a class or function is in."""
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    if path is None:
        return []
    in_package = bool(getattr(module, "__package__", "")) and (Path(path).parent / "__init__.py").exists()
    calibration = sys.modules.get("calib")
    used = [Path(calibration.__file__).parent] if calibration is not None and calibration.__file__ else []
    folders = [Path(path).parent, *used] if in_package else used
    # beside what is installed there is all of it
    module_files = [Path(path)] if "site-packages" in Path(path).parts else _with_imports(Path(path))
    return [*module_files, *(file for folder in folders for file in folder.rglob("*.py"))]


def _with_imports(path: Path) -> set[Path]:
    """Return a module's file, and those beside it that it imports, be it by way of others."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        for name in _imported(file) - {hepcol.__name__}:
            beside = file.parent.joinpath(*name.split("."))
            todo += [other for other in (beside.with_suffix(".py"), *beside.rglob("*.py")) if other.is_file()]
    return found


def _imported(file: Path) -> set[str]:
    """Names of the modules that a file imports."""
    nodes = list(ast.walk(_parsed(file)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _parsed(file: Path) -> ast.Module:
    """Parse a file; one that has been broken since it was imported has nothing in it."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def _loaded_otherwise(files: Iterable[Path]) -> list[str]:
    """Describe what was loaded of files and is not what they say now; nothing, if none was edited meanwhile."""
    by_file = {Path(path): module for module in list(sys.modules.values()) if (path := _file_of(module))}
    found: list[str] = []
    for file in sorted(files):
        if file in by_file:
            found += _unlike(by_file[file], file)
    return found


def _file_of(module: ModuleType) -> str | None:
    """File of a module; some that libraries put among the modules are none."""
    path = getattr(module, "__file__", None)
    return path if isinstance(path, str) and path.endswith(".py") else None


def _unlike(module: ModuleType, file: Path) -> Iterator[str]:
    """Describe functions and constants of a module that its file does not have so."""
    tree = _parsed(file)
    written: dict[str, list[CodeType]] = {}
    for code in _nested(compile(tree, str(file), "exec")):
        written.setdefault(code.co_qualname, []).append(code)
    for function in _functions(module):
        code = function.__code__
        if not any(_same(code, other) for other in written.get(code.co_qualname, [])):
            yield f"{code.co_qualname} {_told(code)}"
    for name, value in _constants(tree):
        loaded = vars(module).get(name)
        if repr(loaded) != repr(value):
            yield f"{name} {loaded!r}"


def _nested(code: CodeType) -> Iterator[CodeType]:
    """Return code and all that is in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Return the functions of a module that its file defines, and those of its classes."""
    for owner in (module, *(item for item in vars(module).values() if isinstance(item, type))):
        if owner is not module and owner.__module__ != module.__name__:
            continue
        for item in list(vars(owner).values()):
            plain = item.__func__ if isinstance(item, (classmethod, staticmethod)) else item
            plain = plain.fget if isinstance(plain, property) else plain
            function = getattr(plain, "py_func", plain)  # of numba's compiled ones
            if isinstance(function, FunctionType):
                function = inspect.unwrap(function)
                if function.__code__.co_filename == module.__file__:
                    yield function


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Return the constants that are written in a module, which have capitals."""
    written: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            written.pop(name, None)
            if name.isupper():
                try:
                    written[name] = ast.literal_eval(node.value)
                except (ValueError, TypeError):
                    continue
    yield from written.items()


def _same(one: CodeType, other: CodeType) -> bool:
    """Whether two codes do the same, on whatever line they stand."""
    return (one.co_code, one.co_names, one.co_varnames, len(one.co_consts)) == (
        *(other.co_code, other.co_names, other.co_varnames),
        len(other.co_consts),
    ) and all(
        _same(ours, theirs)
        if isinstance(ours, CodeType) and isinstance(theirs, CodeType)
        else (type(ours), ours) == (type(theirs), theirs)
        for ours, theirs in zip(one.co_consts, other.co_consts, strict=True)
    )


def _told(code: CodeType) -> str:
    """Describe code by what it does; sets among its constants have no order."""
    constants = [
        _told(one)
        if isinstance(one, CodeType)
        else repr(sorted(map(repr, one)))
        if isinstance(one, frozenset)
        else repr(one)
        for one in code.co_consts
    ]
    return short(f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}")
