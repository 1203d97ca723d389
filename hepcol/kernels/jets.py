"""Jets as nodes of graphs: the hardest constituents, in the frame that a transform puts the jet into.

The constituents of jet ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of every column; double precision, rounded to
single at the end, so that whatever is computed of nodes can be computed again of stored ones.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, inlined, kernel
from hepcol.kernels.elementary import asinh, atan2
from hepcol.kernels.geometry import direction, hypot
from hepcol.kernels.hyperbolic import cosh, exp, log

NONE, CENTRE, CENTRE_ROTATE_FLIP, REFERENCE_BOOST, FIXED_M_PT = range(5)
PT, ETA, PHI, MASS = range(4)
_ON_AXIS = 1e-12  # what is nearer to an axis is on it, but for rounding
_MASSLESS = 1e-13  # below this part of its square of the energy, the square of a mass is rounding


@inlined
def wrapped(phi: float) -> float:
    """Return an azimuth in [-pi, pi)."""
    turned = phi - 2.0 * math.pi * math.floor(phi / (2.0 * math.pi) + 0.5)
    return -math.pi if turned >= math.pi else turned


@kernel
def hardest(pt: Floats, offsets: Integers, n_max: int) -> tuple[Integers, Integers]:
    """Positions of the ``n_max`` constituents of highest pt of each jet, hardest first, and offsets into them.

    Of equal ones the first in the record comes first. All are taken with ``n_max`` below 0.
    """
    n_jets = len(offsets) - 1
    ptr = np.zeros(n_jets + 1, dtype=np.int64)
    for jet in range(n_jets):
        n = offsets[jet + 1] - offsets[jet]
        ptr[jet + 1] = ptr[jet] + (n if n_max < 0 else min(n, n_max))
    chosen = np.empty(ptr[n_jets], dtype=np.int64)
    for jet in range(n_jets):
        first, room = ptr[jet], ptr[jet + 1] - ptr[jet]
        count = 0
        for i in range(offsets[jet], offsets[jet + 1]):
            if count == room:
                if room == 0 or pt[chosen[first + room - 1]] >= pt[i]:
                    continue
                count -= 1
            place = first + count
            while place > first and pt[chosen[place - 1]] < pt[i]:
                chosen[place] = chosen[place - 1]
                place -= 1
            chosen[place] = i
            count += 1
    return chosen, ptr


@kernel
def fractions(pt: Floats, offsets: Integers, chosen: Integers, ptr: Integers) -> Floats:
    """Part of the scalar sum of pt of all constituents of its jet that each chosen one has; 0 of nothing."""
    out = np.empty(len(chosen))
    for jet in range(len(offsets) - 1):
        total = 0.0
        for i in range(offsets[jet], offsets[jet + 1]):
            total += pt[i]
        for node in range(ptr[jet], ptr[jet + 1]):
            out[node] = pt[chosen[node]] / total if total > 0.0 else 0.0
    return out


@inlined
def _store(nodes: Floats, node: int, pt: float, eta: float, phi: float, mass: float) -> None:
    nodes[PT, node] = np.float32(pt)
    nodes[ETA, node] = np.float32(eta)
    nodes[PHI, node] = np.float32(phi)
    nodes[MASS, node] = np.float32(mass)


@inlined
def _planar(eta: float, phi: float, eta_0: float, phi_0: float, frame: Floats) -> tuple[float, float]:
    """Position in a frame of :func:`_planar_frame`; ``eta_0, phi_0`` are where the hardest constituent is."""
    y, x = (eta - eta_0) - frame[0], wrapped(phi - phi_0) - frame[1]
    return frame[4] * (frame[2] * y - frame[3] * x), frame[5] * (frame[3] * y + frame[2] * x)


@inlined
def _planar_frame(
    pt: Floats, eta: Floats, phi: Floats, start: int, stop: int, hard: int, turn: bool, frame: Floats
) -> None:
    """Centre of pt, cosine and sine of the rotation to the principal axis, and the two signs, of a jet.

    The centre is relative to the hardest constituent, so that one constituent alone is exactly at 0. The principal
    axis, of the covariance of positions weighted by pt, is turned to phi; and the quadrant with most pt is the one
    where both coordinates are positive.
    """
    total = y_sum = x_sum = 0.0
    for i in range(start, stop):
        total += pt[i]
        y_sum += pt[i] * (eta[i] - eta[hard])
        x_sum += pt[i] * wrapped(phi[i] - phi[hard])
    frame[0] = y_sum / total if total > 0.0 else 0.0
    frame[1] = x_sum / total if total > 0.0 else 0.0
    frame[2], frame[3], frame[4], frame[5] = 1.0, 0.0, 1.0, 1.0
    if not turn:
        return
    yy = yx = xx = 0.0
    for i in range(start, stop):
        y, x = _planar(eta[i], phi[i], eta[hard], phi[hard], frame)
        yy += pt[i] * y * y
        yx += pt[i] * y * x
        xx += pt[i] * x * x
    half = 0.5 * (yy - xx)
    root = hypot(half, yx)
    # of the two forms of the eigenvector, the one whose sum does not cancel
    along_y, along_x = (root + half, yx) if half >= 0.0 else (yx, root - half)
    length = hypot(along_y, along_x)
    if length > 0.0:
        frame[2], frame[3] = along_x / length, along_y / length
    quadrants = np.zeros(4)
    for i in range(start, stop):
        y, x = _planar(eta[i], phi[i], eta[hard], phi[hard], frame)
        quadrants[2 * (y < -_ON_AXIS) + (x < -_ON_AXIS)] += pt[i]
    most = np.argmax(quadrants)
    frame[4] = -1.0 if most >= 2 else 1.0  # noqa: PLR2004  (of four)
    frame[5] = -1.0 if most % 2 == 1 else 1.0


@kernel
def _boosted(  # noqa: PLR0912, PLR0915  (as a function of its own, each part would pass a dozen numbers)
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    start: int,
    stop: int,
    chosen: Integers,
    low: int,
    high: int,
    kind: int,
    first: float,
    second: float,
    nodes: Floats,
) -> None:
    """Boost a jet along its own axis, with its mass scaled or not, and fill its nodes.

    Along the axis, E + p scales with a factor and E - p with its inverse.
    """
    x = y = z = energy = 0.0
    for i in range(start, stop):
        p_x, p_y, p_z, e = _momentum(pt[i], eta[i], phi[i], mass[i])
        x, y, z, energy = x + p_x, y + p_y, z + p_z, energy + e
    across = hypot(x, y)
    momentum = hypot(across, z)
    if not across > 0.0:  # nothing has momentum, or all of it is along the beam: there is no axis
        for node in range(low, high):
            _store(nodes, node, 0.0, 0.0, 0.0, 0.0)
        return
    square = energy * energy - momentum * momentum
    scale = factor = 1.0
    if square > _MASSLESS * energy * energy:
        jet_mass = math.sqrt(square)
        if kind == REFERENCE_BOOST:
            scale = first / jet_mass
            factor = (second + math.sqrt(second * second - first * first)) / first
            factor = factor * jet_mass / (energy + momentum)
        else:
            boosted = jet_mass / first * momentum / across
            factor = (math.sqrt(boosted * boosted + square) + boosted) / (energy + momentum)
    elif kind == REFERENCE_BOOST:  # without a mass, all is along the axis, and scales
        scale = second / energy
    cos_phi, sin_phi = x / across, y / across
    cos_theta, sin_theta = z / momentum, across / momentum  # polar angle
    axis_eta = asinh(z / across)
    turn_cos, turn_sin, mirror = 1.0, 0.0, 1.0
    for node in range(low, high):
        i = chosen[node]
        p_x, p_y, p_z, e = _momentum(pt[i], eta[i], phi[i], mass[i])
        radial = p_x * cos_phi + p_y * sin_phi
        along = radial * sin_theta + p_z * cos_theta
        to_phi = scale * (p_y * cos_phi - p_x * sin_phi)
        to_eta = scale * (p_z * sin_theta - radial * cos_theta)
        plus = e + along
        square_across = (to_phi * to_phi + to_eta * to_eta) / (scale * scale) + mass[i] * mass[i]
        minus = square_across / plus if along > 0.0 else e - along
        along = 0.5 * scale * (plus * factor - minus / factor)
        if kind == REFERENCE_BOOST:
            if node == low:
                length = hypot(to_phi, to_eta)
                if length > _ON_AXIS * second:
                    turn_cos, turn_sin = to_eta / length, to_phi / length
            to_phi, to_eta = turn_cos * to_phi - turn_sin * to_eta, turn_sin * to_phi + turn_cos * to_eta
            if node == low + 1 and to_phi < 0.0:
                mirror = -1.0
            to_phi = mirror * to_phi
            new_pt = hypot(along, to_phi)
            new_eta = asinh(to_eta / new_pt) if new_pt > 0.0 else 0.0
            _store(nodes, node, new_pt, new_eta, atan2(to_phi, along), scale * mass[i])
        else:
            radial = along * sin_theta - to_eta * cos_theta
            new_pt = hypot(radial, to_phi)
            new_eta = asinh((along * cos_theta + to_eta * sin_theta) / new_pt) - axis_eta if new_pt > 0.0 else 0.0
            # radial and to_phi are along and across the jet's own azimuth
            _store(nodes, node, new_pt, new_eta, wrapped(atan2(to_phi, radial)), mass[i])


@inlined
def _momentum(pt: float, eta: float, phi: float, mass: float) -> tuple[float, float, float, float]:
    """Cartesian momentum and energy."""
    cosine, sine = direction(wrapped(phi))
    grown = exp(eta)
    p_z = pt * 0.5 * (grown - 1.0 / grown)
    return pt * cosine, pt * sine, p_z, math.sqrt(pt * pt + p_z * p_z + mass * mass)


@kernel
def transform(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    offsets: Integers,
    chosen: Integers,
    ptr: Integers,
    kind: int,
    first: float,
    second: float,
    nodes: Floats,
) -> None:
    """Fill ``nodes[4, n]`` (float32: pt, eta, phi, mass) with the chosen constituents in the frame of a transform.

    What a frame is made of are all constituents of the jet, chosen or not. ``first`` and ``second`` are the mass and
    the energy for ``REFERENCE_BOOST``, and m / pt for ``FIXED_M_PT``. Transforms are those of
    :class:`hepcol.graphs.recipe.Transform`.
    """
    frame = np.empty(6)
    for jet in range(len(offsets) - 1):
        start, stop = offsets[jet], offsets[jet + 1]
        low, high = ptr[jet], ptr[jet + 1]
        if kind == NONE or start == stop:
            for node in range(low, high):
                i = chosen[node]
                _store(nodes, node, pt[i], eta[i], wrapped(phi[i]), mass[i])
        elif kind in (CENTRE, CENTRE_ROTATE_FLIP):
            hard = chosen[low] if high > low else start
            _planar_frame(pt, eta, phi, start, stop, hard, kind == CENTRE_ROTATE_FLIP, frame)
            for node in range(low, high):
                i = chosen[node]
                y, x = _planar(eta[i], phi[i], eta[hard], phi[hard], frame)
                _store(nodes, node, pt[i], y, wrapped(x), mass[i])
        else:
            _boosted(pt, eta, phi, mass, start, stop, chosen, low, high, kind, first, second, nodes)


ENERGY, LN_PT, LN_ENERGY, FRACTION, LN_FRACTION, RADIUS = range(4, 10)


@kernel
def describe(nodes: Floats, fraction: Floats, features: Integers, out: Floats) -> None:
    """Fill ``out[n, f]`` (float32) with features of the nodes, of the numbers ``features``; those below 0 are left out.

    ``nodes[4, n]`` are those of :func:`transform`, ``fraction`` those of :func:`fractions`. The logarithm of 0 is that
    of the smallest normal number in single precision.
    """
    for node in range(nodes.shape[1]):
        pt, eta = np.float64(nodes[PT, node]), np.float64(nodes[ETA, node])
        phi, mass = np.float64(nodes[PHI, node]), np.float64(nodes[MASS, node])
        for column in range(len(features)):
            kind = features[column]
            if kind < 0:
                continue
            if kind < ENERGY:
                out[node, column] = nodes[kind, node]
            elif kind in (ENERGY, LN_ENERGY):
                momentum = pt * cosh(eta)
                energy = math.sqrt(momentum * momentum + mass * mass)
                out[node, column] = energy if kind == ENERGY else _log(energy)
            elif kind == LN_PT:
                out[node, column] = _log(pt)
            elif kind == FRACTION:
                out[node, column] = fraction[node]
            elif kind == LN_FRACTION:
                out[node, column] = _log(fraction[node])
            else:
                out[node, column] = hypot(eta, phi)


@inlined
def _log(x: float) -> float:
    return log(max(x, _TINY))


_TINY = 2.0**-126
