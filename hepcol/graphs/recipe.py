"""How jets become graphs."""

import functools
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from hepcol.errors import InputError

GEOMETRY = ("pt", "eta", "phi")  # with these features of its nodes, edges can be made again
MASS = "mass"
NODE_PREFIX, EDGE_PREFIX = "node_", "edge_"  # of the names of columns with a list for each graph
_EVERY = "all"
_MOST = 1e6  # of masses, energies and ratios that a frame is made for; 1e-6 is the least


def _number(given: Any) -> Any:
    """Read ``all`` as None, as there is no other way to type that."""
    return None if given == _EVERY else given


def _names(given: Any) -> Any:
    """Read names with commas between them."""
    return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given


Made = TypeVar("Made")
Number = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_number)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Transform(StrEnum):
    """The frame that the constituents of a jet are put into; see :class:`Recipe`."""

    NONE = "none"
    CENTRE = "center"
    CENTRE_ROTATE_FLIP = "center_rotate_flip"
    REFERENCE_BOOST = "reference_boost"
    FIXED_M_PT = "fixed_mpt"


class Edges(StrEnum):
    """Which nodes are joined."""

    NONE = "none"
    RADIUS = "dr"
    NEAREST = "knn"
    FULL = "full"


class NodeFeature(StrEnum):
    """What is known of a constituent, in the frame of the transform but for the fraction."""

    PT = "pt"
    ETA = "eta"
    PHI = "phi"
    MASS = "mass"
    ENERGY = "energy"
    LN_PT = "lnpt"
    LN_ENERGY = "lnenergy"
    FRACTION = "ptfrac"
    LN_FRACTION = "lnptfrac"
    RADIUS = "radius"


class EdgeFeature(StrEnum):
    """What is known of two constituents that are joined."""

    DR = "dr"
    LN_KT = "lnkt"
    LN_Z = "lnz"
    LN_M2 = "lnm2"


def _in_one_line(made: type[Made]) -> type[Made]:
    """Say in one line which value a class does not accept, and not in pydantic's several."""
    validated = made.__init__

    @functools.wraps(validated)
    def told(self: Made, *values: Any, **named: Any) -> None:
        try:
            validated(self, *values, **named)
        except ValidationError as error:
            problem = error.errors()[0]
            text = problem["msg"].removeprefix("Value error, ")
            name = ".".join(str(part) for part in problem["loc"])
            raise InputError(f"{name}={problem['input']!r} of graphs: {text}" if name else text) from error

    made.__init__ = told  # type: ignore[method-assign, assignment]
    return made


# Options that mean something with some values of another one only
_GOES_WITH = {
    "r": ("edges", (Edges.RADIUS,)),
    "k": ("edges", (Edges.NEAREST,)),
    "undirected": ("edges", (Edges.NEAREST,)),
    "reference_mass": ("transform", (Transform.REFERENCE_BOOST,)),
    "reference_energy": ("transform", (Transform.REFERENCE_BOOST,)),
    "mpt": ("transform", (Transform.FIXED_M_PT,)),
}


@_in_one_line
@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Recipe:
    """How jets become graphs.

    An option that means nothing beside the others, such as ``k`` with ``edges="dr"``, is refused unless it has its
    default, so that equal graphs have equal recipes.

    Parameters
    ----------
    nmax : int, optional
        Constituents of a jet that become nodes, those of highest pt; None, or ``all``, for all. Nodes are by
        decreasing pt, as it was before the transform, equal ones in the order of the record.
    transform : {"none", "center", "center_rotate_flip", "reference_boost", "fixed_mpt"}
        ``center``: positions relative to the mean of those of all constituents, weighted by pt.
        ``center_rotate_flip``: also turned so that the principal axis of pt lies along phi, and mirrored so that
        most pt is where both coordinates are positive (Macaluso and Shih, arXiv:1803.00107, for images of top jets).
        ``reference_boost``: momenta scaled so that the jet has the mass ``reference_mass``, boosted along it so that
        it has ``reference_energy``, turned so that it points to eta = phi = 0, the hardest constituent lies at
        phi = 0 and eta > 0, and the next that is not on that line, but for rounding, at phi > 0 (after Kahn et al.,
        arXiv:2105.09274). A jet without a mass is scaled to the energy.
        ``fixed_mpt``: boosted along the jet until m / pt is ``mpt``; positions relative to the jet. A jet without a
        mass stays.
    edges : {"dr", "knn", "full", "none"}
        Join nodes nearer than ``r``, each to its ``k`` nearest, all, or none. Distances are in eta and phi, in the
        frame of the transform.
    r : float
        Distance for ``dr``.
    k : int
        Neighbours for ``knn``.
    self_loops : bool
        Whether every node is joined to itself, too.
    undirected : bool
        For ``knn``: whether the neighbours are joined back. Otherwise edges lead from a neighbour to the node.
    node_features : tuple of str
        ``pt``, ``eta``, ``phi``, ``mass``, ``energy``, ``lnpt``, ``lnenergy``, ``ptfrac`` (of the scalar sum of all
        constituents, before the transform), ``lnptfrac``, ``radius`` (distance from 0 in eta and phi), or the name of
        another column of the constituents. GeV. A text has commas between them.
    edge_features : tuple of str
        ``dr``; ``lnkt`` = ln(min(pt1, pt2) dr / GeV), ``lnz`` = ln(min(pt1, pt2) / (pt1 + pt2)) and ``lnm2`` = ln(m2 /
        GeV^2) of the pair, as in Qu, Li and Qian, arXiv:2202.03772, of arguments of at least 1e-8; with
        ``reference_boost``, which scales a jet to a mass of some 1e-3 of its own, 1e-16.
    reference_mass, reference_energy : float
        For ``reference_boost`` [GeV]; 1e-6 to 1e6.
    mpt : float
        For ``fixed_mpt``; 1e-6 to 1e6.
    """

    nmax: Number = 40
    transform: Transform = Transform.NONE
    edges: Edges = Edges.RADIUS
    r: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.4
    k: Annotated[int, Field(ge=1)] = 7
    self_loops: bool = False
    undirected: bool = True
    node_features: Names = GEOMETRY
    edge_features: Annotated[tuple[EdgeFeature, ...], BeforeValidator(_names)] = (EdgeFeature.DR,)
    reference_mass: Annotated[float, Field(ge=1 / _MOST, le=_MOST)] = 0.25
    reference_energy: Annotated[float, Field(ge=1 / _MOST, le=_MOST)] = 1.0
    mpt: Annotated[float, Field(ge=1 / _MOST, le=_MOST)] = 1.0

    def __post_init__(self) -> None:
        for what, names in (("node_features", self.node_features), ("edge_features", self.edge_features)):
            if len(set(names)) != len(names):
                raise InputError(f"{what}: expected each one once, got {', '.join(names)}")
        if not self.node_features:
            raise InputError("node_features: expected at least one")
        for name, (other, values) in _GOES_WITH.items():
            value, default = getattr(self, name), Recipe.__dataclass_fields__[name].default
            if getattr(self, other) not in values and value != default:
                raise InputError(
                    f"{name}={value} means nothing with {other}={getattr(self, other)}, it goes with {other}="
                    f"{' or '.join(values)}"
                )
        if self.transform is Transform.REFERENCE_BOOST and not self.reference_mass < self.reference_energy:
            raise InputError(
                f"reference_mass must be below reference_energy, got {self.reference_mass} GeV and "
                f"{self.reference_energy} GeV"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that constituents need beside their momenta."""
        return tuple(name for name in self.node_features if name not in tuple(NodeFeature))

    @property
    def is_directed(self) -> bool:
        """Whether there may be edges that lead one way only."""
        return self.edges is Edges.NEAREST and not self.undirected

    @property
    def can_rebuild(self) -> bool:
        """Whether the edges can be made again of the nodes' features."""
        needs_mass = EdgeFeature.LN_M2 in self.edge_features
        return {*GEOMETRY, *((MASS,) if needs_mass else ())} <= set(self.node_features)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        told: dict[str, Any] = TypeAdapter(Recipe).dump_python(self, mode="json")
        return told


def read_recipe(told: Mapping[str, Any]) -> Recipe:
    """Make a recipe of names and values.

    Raises
    ------
    InputError
        If there is no such option, or a value is not accepted.
    """
    accepted = Recipe.__dataclass_fields__
    unknown = [name for name in told if name not in accepted]
    if unknown:
        raise InputError(f"option '{unknown[0]}' of graphs is unknown; accepted: {', '.join(accepted)}")
    return Recipe(**told)
