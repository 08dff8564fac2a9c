"""``python -m ml.smoke``: under an agent as its task."""

import sys

from ml.smoke.entry import main

if __name__ == "__main__":
    sys.exit(main())
