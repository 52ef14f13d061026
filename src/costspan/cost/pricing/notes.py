"""What the price table says of a key that a user has a rate of his own for."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

from costspan.call import plain
from costspan.cost.pricing.explain import known_providers, sellers
from costspan.cost.pricing.nearest import nearest
from costspan.cost.pricing.rates import FlatTariff, Rate, own_tariff
from costspan.cost.pricing.sellers import table_name
from costspan.cost.pricing.table import Table
from costspan.cost.pricing.tariff import Tariff

_YOUR_OWN = "which is fine for a model of your own"


def note(table: Table, key: str, rate: Rate) -> str | None:
    """A sentence about a key: what it replaces, or that nothing is known by it; None for neither.

    A key for a host, or for a provider whose models the table does not list, may mean anything.
    """
    providers = known_providers(table)
    place, slash, model = key.partition("/")
    known = place.lower() in providers
    if not slash or (not known and sellers(table, key)):
        return _of_model(table, None, key, rate)
    if known:
        seller = table_name(place.lower())
        listed = any(row.id == seller for row in table.providers)
        return _of_model(table, seller, model, rate) if listed else None
    if ":" in place or "." in place:
        return None
    close = nearest(place, providers)
    meant = f", did you mean {close[0]!r}?" if close else "."
    return f"{place!r} is no provider that costspan knows{meant} It may be the name of a host"


def _of_model(table: Table, seller: str | None, model: str, rate: Rate) -> str | None:
    if model[-1] == "*":
        return _of_beginning(table, seller, model[:-1].lower())
    who = seller or next(iter(sellers(table, model)), None)
    tariff = None if who is None else table.tariff(who, model, at=time.time())
    if tariff is not None:
        return f"{who} has a price for it in the table: {_difference(tariff, rate)}"
    ids = [info.id for one, info in table.models() if seller in (None, one)]
    close = nearest(model, dict.fromkeys(ids))
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"the table has no such model, {_YOUR_OWN}{meant}"


def _of_beginning(table: Table, seller: str | None, beginning: str) -> str:
    found = [
        info.id
        for one, info in table.models()
        if seller in (None, one) and info.id.lower().startswith(beginning)
    ]
    if not found:
        return f"no model in the table begins so, {_YOUR_OWN}"
    models = f"{len(found)} model{'' if len(found) == 1 else 's'}"
    return f"it takes the place of the table's prices of {models}, such as {found[0]!r}"


def _difference(tariff: Tariff, rate: Rate) -> str:
    """Each rate that is another one here, in US dollars per million tokens."""
    own = own_tariff(rate, None, "override")
    if isinstance(own, FlatTariff):
        return "here it is free" if not rate.gpu_usd_per_hour else "here it is billed by time"
    ours = {unit.key: unit.attos[0] for unit in own.units}
    changed = [
        _change(unit.key, unit.attos[0], ours[unit.key])
        for unit in sorted(tariff.units, key=lambda unit: unit.part)
        if unit.key in ours and unit.attos[0] != ours[unit.key]
    ]
    return ", ".join(changed) or "the same as here, so this rate may go"


def _change(key: str, theirs: Fraction, ours: Fraction) -> str:
    percent = f" ({round(100 * (ours - theirs) / theirs):+} %)" if theirs else ""
    return f"{key.replace('_', ' ')} {_dollars(theirs)}, here {_dollars(ours)}{percent}"


def _dollars(attos: Fraction) -> str:
    per_million = attos / 10**12
    return plain(Decimal(per_million.numerator) / per_million.denominator)
