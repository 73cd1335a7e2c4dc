"""Parts: what learning leaves behind, as named arrays or opaque bytes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Part = NDArray[np.generic] | bytes
Parts = Mapping[str, Part]
