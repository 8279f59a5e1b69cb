"""`python -m infra.cli.child PARENT COMMAND …`: a command that ends with the process that started it."""

import sys

from infra.cli import main
from infra.parent import end_with

if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
