"""``python -m heatproxy``: the command line."""

import sys

from heatproxy.cli import main

if __name__ == "__main__":
    sys.exit(main())
