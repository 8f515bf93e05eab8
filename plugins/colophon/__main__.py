"""`python -m colophon`"""

import sys

from colophon.cli import main

sys.exit(main())
