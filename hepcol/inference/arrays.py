"""Types of the arrays that fits work on."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
