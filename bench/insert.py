"""Replaces what stands between the two markers of a page.

insert.py MARKDOWN PAGE
"""

import sys
from pathlib import Path

BEGIN, END = "<!-- begin: make bench-docs -->\n", "<!-- end: make bench-docs -->\n"
measured, page = Path(sys.argv[1]), Path(sys.argv[2])
before, found, rest = page.read_text().partition(BEGIN)
_, ended, after = rest.partition(END)
if not (found and ended):
    sys.exit(f"{page} lacks one of its markers")
page.write_text(f"{before}{BEGIN}\n{measured.read_text().strip()}\n\n{END}{after}")
