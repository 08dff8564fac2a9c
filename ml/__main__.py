"""``python -m ml PHASE``."""

import sys

from ml.runtime.entry import main

if __name__ == "__main__":
    sys.exit(main())
