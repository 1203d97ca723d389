"""SLHA text of a simplified model with two light particles: the stop and the neutralino.

The stop decays into b f f' and the neutralino by a bare four-body matrix element (flat phase space in Pythia), to
e, mu and tau alike: the hadronic decays are left out and counted in the branching fraction of the sample.
"""

_HEAVY = 4500.0  # GeV: everything else is out of reach
_WIDTH = 1e-4  # GeV: prompt, and narrow
_OTHER_SPARTICLES = (
    *range(1000001, 1000006),
    *range(1000011, 1000017),
    1000021,
    1000023,
    1000024,
    1000025,
    1000035,
    1000037,
    *range(2000001, 2000007),
    2000011,
    2000013,
    2000015,
)
STOP, NEUTRALINO = 1000006, 1000022
_LEPTONS = ((-11, 12), (-13, 14), (-15, 16))


def write_slha(stop_mass: float, neutralino_mass: float) -> str:
    """SLHA 2 text for masses in GeV."""
    masses = {STOP: stop_mass, NEUTRALINO: neutralino_mass} | dict.fromkeys(_OTHER_SPARTICLES, _HEAVY)
    lines = ["BLOCK MODSEL", "  1 0", "BLOCK MASS"]
    lines += ["  25 125.0", "  35 4500.0", "  36 4500.0", "  37 4500.0"]
    lines += [f"  {code} {mass}" for code, mass in sorted(masses.items())]
    for block in ("STOPMIX", "SBOTMIX", "STAUMIX"):
        lines += [f"BLOCK {block}", "  1 1 1.0", "  1 2 0.0", "  2 1 0.0", "  2 2 1.0"]
    for block, size in (("NMIX", 4), ("UMIX", 2), ("VMIX", 2)):
        lines.append(f"BLOCK {block}")
        lines += [f"  {i} {j} {float(i == j)}" for i in range(1, size + 1) for j in range(1, size + 1)]
    lines.append(f"DECAY {STOP} {_WIDTH}")
    lines += [f"  {1 / len(_LEPTONS):.9f} 4 {NEUTRALINO} 5 {lepton} {neutrino}" for lepton, neutrino in _LEPTONS]
    lines.append(f"DECAY {NEUTRALINO} 0.0")
    return "\n".join(lines) + "\n"
