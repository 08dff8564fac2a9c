"""``python -m ml PHASE``."""

import gc
import sys

# Imports make tens of thousands of objects and no garbage: to look for it after each few hundred
# is a twentieth of a short step.
gc.set_threshold(50_000, 20, 20)

from ml.runtime.entry import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
