"""The ATLAS calibration of electron and photon energies, as columns.

>>> from calib.egamma import EgammaCalibration
>>> tool = EgammaCalibration("es2023_R22_Run2_v1", "1NP_v1", simulation="full", area="synthetic")
>>> tool.systematics[0]
'EG_SCALE_ALL__1up'
"""

from calib.egamma.calibrator import EgammaCalibration
from calib.egamma.models import MODELS
from calib.egamma.systematics import DECORRELATIONS

__all__ = ["DECORRELATIONS", "MODELS", "EgammaCalibration"]
