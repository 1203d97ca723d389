"""Jets as nodes of graphs: the hardest constituents, in the frame that a transform puts the jet into.

The constituents of jet ``k`` are ``offsets[k]`` up to ``offsets[k + 1]`` of every column; double precision, rounded to
single at the end, so that whatever is computed of nodes can be computed again of stored ones.
"""

import math

import numpy as np

from hepcol.kernels._jit import Floats, Integers, inlined, kernel
from hepcol.kernels.elementary import atan2
from hepcol.kernels.geometry import direction, hypot
from hepcol.kernels.hyperbolic import asinh, cosh, exp, log

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
def _turned(y: float, x: float, frame: Floats) -> tuple[float, float]:
    """Turn and mirror a position."""
    return frame[2] * (frame[0] * y - frame[1] * x), frame[3] * (frame[1] * y + frame[0] * x)


@inlined
def _centre(pt: Floats, eta: Floats, phi: Floats, start: int, stop: int, hard: int, y: Floats, x: Floats) -> None:
    """Fill in positions relative to the centre of pt.

    It is relative to the hardest constituent, so that one constituent alone is exactly at 0.
    """
    begin = np.uint64(start)
    for i in range(begin, np.uint64(stop)):
        y[i - begin], x[i - begin] = eta[i] - eta[hard], wrapped(phi[i] - phi[hard])
    total = y_sum = x_sum = 0.0
    for n in range(stop - start):
        total += pt[start + n]
        y_sum += pt[start + n] * y[n]
        x_sum += pt[start + n] * x[n]
    y_0 = y_sum / total if total > 0.0 else 0.0
    x_0 = x_sum / total if total > 0.0 else 0.0
    for n in range(stop - start):
        y[n] -= y_0
        x[n] -= x_0


@inlined
def _find_frame(pt: Floats, start: int, stop: int, y: Floats, x: Floats, frame: Floats) -> None:
    """Find cosine and sine of the rotation to the principal axis, and the two signs, of a jet at its centre.

    The principal axis, of the covariance of positions weighted by pt, is turned to phi; and the quadrant with most pt
    is the one where both coordinates are positive.
    """
    frame[0], frame[1], frame[2], frame[3] = 1.0, 0.0, 1.0, 1.0
    yy = yx = xx = 0.0
    for n in range(stop - start):
        yy += pt[start + n] * y[n] * y[n]
        yx += pt[start + n] * y[n] * x[n]
        xx += pt[start + n] * x[n] * x[n]
    half = 0.5 * (yy - xx)
    root = hypot(half, yx)
    # of the two forms of the eigenvector, the one whose sum does not cancel
    along_y, along_x = (root + half, yx) if half >= 0.0 else (yx, root - half)
    length = hypot(along_y, along_x)
    if length > 0.0:
        frame[0], frame[1] = along_x / length, along_y / length
    quadrants = np.zeros(4)
    for n in range(stop - start):
        turned_y, turned_x = _turned(y[n], x[n], frame)
        quadrants[2 * (turned_y < -_ON_AXIS) + (turned_x < -_ON_AXIS)] += pt[start + n]
    most = np.argmax(quadrants)
    frame[2] = -1.0 if most >= 2 else 1.0  # noqa: PLR2004  (of four)
    frame[3] = -1.0 if most % 2 == 1 else 1.0


_ROOM = 7  # rows that a jet needs to be boosted in: its constituents' momenta, and its nodes' in its frame


@inlined
def _boosted(
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
    room: Floats,
    nodes: Floats,
) -> None:
    """Boost a jet along its own axis, with its mass scaled or not, and fill its nodes.

    Along the axis, E + p scales with a factor and E - p with its inverse.
    """
    p_x, p_y, p_z, energies = room[0], room[1], room[2], room[3]
    _fill_momenta(pt, eta, phi, mass, start, stop, p_x, p_y, p_z, energies)
    x = y = z = energy = 0.0
    for n in range(stop - start):
        x, y, z, energy = x + p_x[n], y + p_y[n], z + p_z[n], energy + energies[n]
    across = hypot(x, y)
    momentum = hypot(across, z)
    if not across > 0.0:  # nothing has momentum, or all of it is along the beam: there is no axis
        for node in range(low, high):
            _store(nodes, node, 0.0, 0.0, 0.0, 0.0)
        return
    scale, factor = _boost_of(across, momentum, energy, kind, first, second)
    cos_phi, sin_phi = x / across, y / across
    cos_theta, sin_theta = z / momentum, across / momentum  # polar angle
    along, to_phi, to_eta = room[4], room[5], room[6]
    for n in range(high - low):
        i = chosen[low + n]
        one = i - start
        radial = p_x[one] * cos_phi + p_y[one] * sin_phi
        before = radial * sin_theta + p_z[one] * cos_theta
        to_phi[n] = scale * (p_y[one] * cos_phi - p_x[one] * sin_phi)
        to_eta[n] = scale * (p_z[one] * sin_theta - radial * cos_theta)
        plus = energies[one] + before
        square_across = (to_phi[n] * to_phi[n] + to_eta[n] * to_eta[n]) / (scale * scale) + mass[i] * mass[i]
        minus = square_across / plus if before > 0.0 else energies[one] - before
        along[n] = 0.5 * scale * (plus * factor - minus / factor)
        nodes[MASS, low + n] = np.float32(scale * mass[i])
    if kind == REFERENCE_BOOST:
        _fill_turned(along, to_phi, to_eta, low, high, _ON_AXIS * second, nodes)
    else:
        _fill_relative(along, to_phi, to_eta, low, high, cos_theta, sin_theta, asinh(z / across), nodes)


@inlined
def _fill_momenta(
    pt: Floats,
    eta: Floats,
    phi: Floats,
    mass: Floats,
    start: int,
    stop: int,
    p_x: Floats,
    p_y: Floats,
    p_z: Floats,
    energy: Floats,
) -> None:
    """Fill in Cartesian momenta and energies; in three loops, as LLVM gives up on one with eight arrays."""
    begin, end = np.uint64(start), np.uint64(stop)  # of signed numbers numba asks whether they count from the end
    for i in range(begin, end):
        grown = exp(eta[i])
        along = pt[i] * 0.5 * (grown - 1.0 / grown)
        p_z[i - begin] = along if pt[i] > 0.0 else 0.0  # whatever eta is
    for i in range(begin, end):
        cosine, sine = direction(wrapped(phi[i]))
        p_x[i - begin], p_y[i - begin] = pt[i] * cosine, pt[i] * sine
    for i in range(begin, end):
        energy[i - begin] = math.sqrt(pt[i] * pt[i] + p_z[i - begin] * p_z[i - begin] + mass[i] * mass[i])


@inlined
def _boost_of(
    across: float, momentum: float, energy: float, kind: int, first: float, second: float
) -> tuple[float, float]:
    """Return what the mass of a jet is scaled with, and E + p along its axis."""
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
    return scale, factor


@inlined
def _fill_turned(
    along: Floats, to_phi: Floats, to_eta: Floats, low: int, high: int, nearest: float, nodes: Floats
) -> None:
    """Fill nodes in the frame where the hardest is at phi = 0 and eta > 0, and the next off that line at phi > 0."""
    cosine, sine, mirror = 1.0, 0.0, 1.0
    if high > low:
        length = hypot(to_phi[0], to_eta[0])
        if length > nearest:
            cosine, sine = to_eta[0] / length, to_phi[0] / length
    for one in range(1, high - low):  # not by the sign of rounding, where several have one direction
        across = cosine * to_phi[one] - sine * to_eta[one]
        if abs(across) > nearest:
            mirror = -1.0 if across < 0.0 else 1.0
            break
    for one in range(high - low):
        turned = cosine * to_phi[one] - sine * to_eta[one]
        to_eta[one] = sine * to_phi[one] + cosine * to_eta[one]
        to_phi[one] = turned if one == 0 else mirror * turned
    begin = np.uint64(low)
    for node in range(begin, np.uint64(high)):
        n = node - begin
        pt = hypot(along[n], to_phi[n])
        nodes[PT, node] = np.float32(pt)
        nodes[ETA, node] = np.float32(asinh(to_eta[n] / pt) if pt > 0.0 else 0.0)
    for node in range(begin, np.uint64(high)):
        nodes[PHI, node] = np.float32(atan2(to_phi[node - begin], along[node - begin]))


@inlined
def _fill_relative(
    along: Floats,
    to_phi: Floats,
    to_eta: Floats,
    low: int,
    high: int,
    cos_theta: float,
    sin_theta: float,
    axis_eta: float,
    nodes: Floats,
) -> None:
    """Fill nodes relative to the axis of the jet; what is along and across its own azimuth gives phi."""
    begin = np.uint64(low)
    for node in range(begin, np.uint64(high)):
        n = node - begin
        radial = along[n] * sin_theta - to_eta[n] * cos_theta
        pt = hypot(radial, to_phi[n])
        position = asinh((along[n] * cos_theta + to_eta[n] * sin_theta) / pt) - axis_eta if pt > 0.0 else 0.0
        nodes[PT, node] = np.float32(pt)
        nodes[ETA, node] = np.float32(position)
        along[n] = radial
    for node in range(begin, np.uint64(high)):
        nodes[PHI, node] = np.float32(wrapped(atan2(to_phi[node - begin], along[node - begin])))


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
    frame = np.empty(4)
    most = 0
    for jet in range(len(offsets) - 1):
        most = max(most, offsets[jet + 1] - offsets[jet])
    room = np.empty((_ROOM, most))
    for jet in range(len(offsets) - 1):
        start, stop = offsets[jet], offsets[jet + 1]
        low, high = ptr[jet], ptr[jet + 1]
        if kind == NONE or start == stop:
            for node in range(low, high):
                i = chosen[node]
                _store(nodes, node, pt[i], eta[i], wrapped(phi[i]), mass[i])
        elif kind in (CENTRE, CENTRE_ROTATE_FLIP):
            y, x = room[0], room[1]
            _centre(pt, eta, phi, start, stop, chosen[low] if high > low else start, y, x)
            if kind == CENTRE_ROTATE_FLIP:
                _find_frame(pt, start, stop, y, x, frame)
            for node in range(low, high):
                i = chosen[node]
                new_eta, new_phi = y[i - start], x[i - start]
                if kind == CENTRE_ROTATE_FLIP:
                    new_eta, new_phi = _turned(new_eta, new_phi, frame)
                _store(nodes, node, pt[i], new_eta, wrapped(new_phi), mass[i])
        else:
            _boosted(pt, eta, phi, mass, start, stop, chosen, low, high, kind, first, second, room, nodes)


ENERGY, LN_PT, LN_ENERGY, FRACTION, LN_FRACTION, RADIUS = range(4, 10)


@kernel
def describe(nodes: Floats, fraction: Floats, features: Integers, out: Floats) -> None:
    """Fill ``out[n, f]`` (float32) with features of the nodes, of the numbers ``features``; those below 0 are left out.

    ``nodes[4, n]`` are those of :func:`transform`, ``fraction`` those of :func:`fractions`. The logarithm of 0 is that
    of the smallest normal number in single precision.
    """
    for column in range(len(features)):
        kind = features[column]
        for node in range(nodes.shape[1] if kind >= 0 else 0):
            out[node, column] = _feature(kind, nodes, fraction, node)


@inlined
def _feature(kind: int, nodes: Floats, fraction: Floats, node: int) -> float:
    if kind < ENERGY:
        return np.float64(nodes[kind, node])
    if kind == FRACTION:
        return fraction[node]
    if kind == LN_FRACTION:
        return _log(fraction[node])
    pt, eta = np.float64(nodes[PT, node]), np.float64(nodes[ETA, node])
    if kind == LN_PT:
        return _log(pt)
    if kind == RADIUS:
        return hypot(eta, np.float64(nodes[PHI, node]))
    momentum, mass = pt * cosh(eta) if pt > 0.0 else 0.0, np.float64(nodes[MASS, node])
    energy = math.sqrt(momentum * momentum + mass * mass)
    return energy if kind == ENERGY else _log(energy)


@inlined
def _log(x: float) -> float:
    return log(max(x, _TINY))


_TINY = 2.0**-126
