"""What these tests share: the reference's networks, laid out anew beside this file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for reference_networks.py
