"""The recording rules as Prometheus reads them."""

from textwrap import indent

from recorded import RECORDED, WINDOW, Recorded

_HEAD = f"""\
# Made by `make dashboards` out of collector-config/grafana/source/recorded.py.
#
# What was added to each amount within a minute, a series' first value included, which increase()
# leaves out. The sum of an hour is sum_over_time(costspan:cost_usd:added1m[1h]). The interval and
# the windows belong together: change none of them alone.
groups:
  - name: costspan
    interval: {WINDOW}s
    rules:
"""


def recording_rules() -> str:
    """The text of the file."""
    return _HEAD + "".join(map(_rule, RECORDED))


def _rule(recorded: Recorded) -> str:
    return f"""\
      # {recorded.about}
      - record: {recorded.name}
        expr: |
{indent(recorded.expr, " " * 10)}
"""
