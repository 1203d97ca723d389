"""What uproot 5.7 lacks for reading a ``TF1`` without parameters: empty maps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import uproot


@dataclass(frozen=True)
class _Map:
    """Reader of a ``std::map``, empty or not."""

    container: Any

    def read(self, *arguments: Any, **options: Any) -> Any:
        """Read what uproot's own reader reads; of an empty map it finds no keys to concatenate."""
        try:
            return self.container.read(*arguments, **options)
        except ValueError as error:
            if "at least one array" not in str(error):
                raise
            # the place in the file is right: behind the size, which is 0
            return uproot.containers.STLMap(np.empty(0), np.empty(0))


def accept_formulas_without_parameters(file: Any) -> None:
    """Mend the classes that uproot makes for the TFormula of a file."""
    for version in file.streamers.get("TFormula", {}):
        made = file.class_named("TFormula", version)
        for name, container in list(vars(made).items()):
            if isinstance(container, uproot.containers.AsMap):
                setattr(made, name, _Map(container))
