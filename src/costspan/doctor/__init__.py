"""What stands between a program and its figures: one look, each finding with its remedy.

    examination   the order of the look, and costspan switched on for it
    unconfigured  what can be looked at where the configuration is wrong
    finding       one finding: topic, severity, text, remedy
    program       versions, SDKs and patches
    rivals        other instrumentations of the same SDKs
    pipeline      the provider of spans, its processors and its sampler
    endpoints     whether what spans are sent to answers
    places        folders and files
    money         prices, budgets and their store
    provenance    each setting and where it came from
    clock         this machine's clock beside those of others

Nothing here runs unless it is asked for: only then is the network knocked at.
"""

from costspan.doctor.examination import examine
from costspan.doctor.finding import Finding

__all__ = ["Finding", "examine"]
