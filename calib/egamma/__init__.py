"""EGamma energy calibration and smearing, after ATLAS's EgammaCalibrationAndSmearingTool."""
