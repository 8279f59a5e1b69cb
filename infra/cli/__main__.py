"""`python -m infra.cli`: the command `tarikh`, for processes that start one another."""

import sys

from infra.cli import main

sys.exit(main())
