"""The code that a processor's results depend on, as it is in files and as it was loaded."""

import ast
import functools
import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import psutil

import hepcol

# Their versions are part of what a run depends on, so their files need not be read
_VERSIONED = frozenset({"awkward", "coffea", "hepcol", "hist", "numba", "numpy", "uproot", *sys.stdlib_module_names})
_CALIBRATION = "calib"  # hepcol's ports of calibration tools, which analyses import
_CLOCKS_S = 10.0  # by which those of a file server and of this machine may differ
# Parts of hepcol that look at results and do not make them
_ONLY_LOOKS = ("inference", "report", "cli.py")


def processor_digest(kind: Any) -> str | None:
    """Hash of the code of a processor's class or function; None if it is in no file.

    It is that of the files: of its package, or of its module, and those that it imports from beside it, and likewise
    of its base classes. Where a module was loaded before its file was edited, what was loaded enters, too: a run with
    it is none of what the file says now.
    """
    files = _files_of(kind)
    return digest(files, *(text for file in sorted(files) for text in _loaded_otherwise(file))) if files else None


def module_digests(kind: Any) -> dict[str, str]:
    """Hash of each loaded module that :func:`processor_digest` is made of, by its name, as it was loaded."""
    by_file = _modules()
    # a script travels by value, and other processes have another __main__
    return {
        by_file[file].__name__: digest([file], *_loaded_otherwise(file))
        for file in _files_of(kind)
        if file in by_file and by_file[file].__name__ != "__main__"
    }


def loaded_otherwise(told: Mapping[str, str]) -> list[str]:
    """Names of modules that are loaded here, and are not what another process tells of them."""
    found = []
    for name, expected in told.items():
        path = _file_of(sys.modules.get(name))
        if (
            path is not None
            and Path(path).is_file()
            and digest([Path(path)], *_loaded_otherwise(Path(path))) != expected
        ):
            found.append(name)
    return found


def function_digest(kind: Any) -> str:
    """Hash of the code of a function or class that an option holds; nothing for one whose version is known."""
    if str(getattr(kind, "__module__", None) or "builtins").partition(".")[0] in _VERSIONED:
        return ""
    own = _told(kind.__code__) if inspect.isfunction(kind) else ""
    return " ".join(filter(None, (own, processor_digest(kind))))


def _files_of(kind: Any) -> set[Path]:
    """Files that the code of a class or function and its bases is in; none if its own is in none."""
    files = set(_sources(kind))
    if files:
        for base in getattr(kind, "__mro__", ())[1:]:
            if base.__module__.partition(".")[0] not in _VERSIONED:
                files |= set(_sources(base))
    return files


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
    module = sys.modules.get(str(kind.__module__))
    path = _file_of(module)
    if module is None or path is None or not Path(path).is_file():
        return []
    file = Path(path)
    package = getattr(module, "__package__", "") or ""
    in_package = bool(package) and (file.parent / "__init__.py").exists()
    folders = [file.parent] if in_package else []
    # beside what is installed there is all of it; of that, only its own package
    installed = "site-packages" in file.parts
    roots = [] if installed else [file.parent]
    roots += [file.parents[package.count(".") + 1]] if in_package and len(file.parents) > package.count(".") + 1 else []
    top = package.partition(".")[0] if in_package and installed else ""
    return [*_with_imports(file, roots, top), *(one for folder in folders for one in folder.rglob("*.py"))]


def _with_imports(path: Path, roots: Sequence[Path], top: str) -> set[Path]:
    """Return a module's file, and those that it imports, be it by way of others, from some folders.

    ``top``, if any, is the only package that is looked for.
    """
    found: set[Path] = set()
    todo = [path]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        for place in _imported(file, roots, top):
            todo += [one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()]
    return found


def _imported(file: Path, roots: Sequence[Path], top: str) -> Iterator[Path]:
    """Places of the modules that a file imports, whether they are there or not; a name may be a module of a package."""
    for names, above in _import_statements(file.read_bytes()):
        bases = [file.parents[above - 1]] if 0 < above <= len(file.parents) else roots
        for name in filter(None, names):
            parts = name.split(".")
            places = bases
            if not above and parts[0] == _CALIBRATION:
                places = [Path(hepcol.__file__).parent.parent]  # where it stands beside hepcol
            elif not above and (parts[0] in _VERSIONED or (top and parts[0] != top)):
                continue
            yield from (base.joinpath(*parts[:length]) for base in places for length in range(1, len(parts) + 1))


def _parsed(source: bytes) -> ast.Module:
    """Parse a source; one that has been broken since it was imported has nothing in it."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


@functools.lru_cache(maxsize=1024)
def _import_statements(source: bytes) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Return what a source imports, and from how many folders above; of one that has been broken since, nothing.

    By content, as every class in the options of a processor asks for its module anew, and parsing takes 6 ms.
    """
    found = []
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Import):
            found.append((tuple(alias.name for alias in node.names), 0))
        elif isinstance(node, ast.ImportFrom):
            start = node.module or ""
            names = (start, *(f"{start}.{alias.name}".removeprefix(".") for alias in node.names))
            found.append((names, node.level))
    return tuple(found)


def _loaded_otherwise(file: Path) -> list[str]:
    """Describe what was loaded of a file and is not what it says now; nothing, if it was not edited meanwhile."""
    status = file.stat()
    if max(status.st_mtime, status.st_ctime) < _process_began() - _CLOCKS_S:
        return []  # which saves to compile it
    module = _modules().get(file)
    return list(_unlike(module, file)) if module is not None else []


@functools.cache
def _process_began() -> float:
    """When this process began, in seconds since 1970."""
    return float(psutil.Process().create_time())


def _modules() -> dict[Path, ModuleType]:
    """Return the loaded modules by their files."""
    return {Path(path): module for module in list(sys.modules.values()) if (path := _file_of(module))}


def _file_of(module: ModuleType | None) -> str | None:
    """File of a module; some that libraries put among the modules are none."""
    path = getattr(module, "__file__", None)
    return path if isinstance(path, str) and path.endswith(".py") else None


def _unlike(module: ModuleType, file: Path) -> Iterator[str]:
    """Describe functions and constants of a module that its file does not have so."""
    tree = _parsed(file.read_bytes())
    written: dict[str, list[CodeType]] = {}
    for code in _nested(compile(tree, str(file), "exec")):
        written.setdefault(code.co_qualname, []).append(code)
    for function in _functions(module):
        code = function.__code__
        if not any(_same(code, other) for other in written.get(code.co_qualname, [])):
            yield f"{code.co_qualname} {_told(code)}"
    for name, value in _constants(tree):
        loaded = vars(module).get(name)
        if _is_literal(loaded) and (type(loaded), loaded) != (type(value), value):
            yield f"{name} {_constant_told(loaded)}"


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


def _is_literal(value: Any) -> bool:
    """Whether a value is one that may be written down, and not what a program has put together."""
    if isinstance(value, Mapping):
        return all(_is_literal(one) for pair in value.items() for one in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(map(_is_literal, value))
    return isinstance(value, (bool, int, float, complex, str, bytes, type(None)))


def _constant_told(value: Any) -> str:
    """Describe a constant; sets have no order."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(_constant_told, value)))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_constant_told(key)}: {_constant_told(one)}' for key, one in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} {list(map(_constant_told, value))}"
    return repr(value)


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
    constants = [_told(one) if isinstance(one, CodeType) else _constant_told(one) for one in code.co_consts]
    return short(f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}")
