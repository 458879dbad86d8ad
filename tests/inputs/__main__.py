"""Fetch the named inputs, or those that `make test` needs."""

import sys

from controlplane.gobuild import GoError

from . import NEEDED, real_input

try:
    for name in sys.argv[1:] or NEEDED:
        sys.stdout.write(f"{name}: {real_input(name)}\n")
except GoError as error:
    sys.exit(f"The inputs are not to be had: {error}")
