"""Attributes that spans do not carry: of metrics, and of a budget's alert."""

MODALITY = "gen_ai.token.modality"
TOKEN_TYPE = "gen_ai.token.type"
BUDGET_NAME = "costspan.budget.name"
BUDGET_PER = "costspan.budget.per"
