import importlib
import pkgutil

import hepcol.graphs


def test_no_module_has_the_name_of_what_is_exported():
    names = [one.name for one in pkgutil.iter_modules(hepcol.graphs.__path__)]
    modules = {name: importlib.import_module(f"hepcol.graphs.{name}") for name in names}
    hidden = {name for name, module in modules.items() if getattr(hepcol.graphs, name) is not module}
    assert not hidden


def test_everything_that_is_named_is_there():
    assert all(hasattr(hepcol.graphs, name) for name in hepcol.graphs.__all__)
