"""`python -m kubelore`."""

import sys

from kubelore.cli import main

if __name__ == "__main__":
    sys.exit(main())
