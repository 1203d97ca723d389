"""What workers are asked: functions that travel as text, as a worker may lack hepcol, or have another Python.

Each has in it all that it needs.
"""


def look(packages: list[str]) -> dict[str, str]:
    """Describe a process: versions of Python and of packages, and what hepcol says of itself there."""
    import importlib.metadata
    import platform

    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    try:
        from hepcol.execution.environment import environment
    except ModuleNotFoundError as error:
        missing = str(error.name)
        found["hepcol's code"] = (
            "not installed" if missing.split(".", maxsplit=1)[0] == "hepcol" else f"without {missing}"
        )
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the answer)
        found["hepcol's code"] = f"not importable ({type(error).__name__})"
    else:
        found.update(environment())
    return found


def look_at(modules: list[str]) -> dict[str, str]:
    """Hash the sources of modules as this process would import them; of one that is not there, an empty text."""
    import hashlib
    import importlib.util

    found = {}
    for name in modules:
        try:
            spec = importlib.util.find_spec(name)
            content = spec.loader.get_data(spec.origin)  # type: ignore[union-attr]
        except Exception:  # noqa: BLE001  (one that cannot be found is not there)
            content = b""
        found[name] = hashlib.sha256(content).hexdigest()[:16] if content else ""
    return found
