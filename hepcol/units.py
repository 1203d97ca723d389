"""Units: multiply by one to give a number its unit, divide by one to print it in that unit.

The base units are those of EDM4hep files and of analysis ntuples.
"""

GeV = 1.0
MeV = 1e-3 * GeV
TeV = 1e3 * GeV
mm = 1.0
rad = 1.0
