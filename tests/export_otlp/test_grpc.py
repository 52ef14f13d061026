"""Spans leave by OTLP over gRPC and arrive whole at `rotel`, an agent of another project."""

import ast
import re
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.export_otlp.arrived import spans_of_real_calls
from tests.instrumentation.app import run_app
from tests.third_party.processes import free_port, serving

rotel = pytest.importorskip("rotel", reason="rotel has no wheel for this platform")
pytestmark = pytest.mark.servers
AGENT = str(Path(rotel.__file__ or "").with_name("rotel-agent"))
READERS = {"Str": str, "Int": int, "Double": float, "Bool": lambda text: text == "true"}
