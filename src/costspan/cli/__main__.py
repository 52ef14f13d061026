"""`python -m costspan.cli`."""

import sys

from costspan.cli import main

sys.exit(main())
