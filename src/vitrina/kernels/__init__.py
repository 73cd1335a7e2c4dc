"""Hot loops on bare arrays. They know no nouns, import numpy and numba only, and never log."""
