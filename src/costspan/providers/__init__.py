"""What each provider's SDK asks and answers: tables of operations and pure extractors."""
