-- The ten dearest calls of the last 30 days, with the trace to look at.
SELECT
    Timestamp,
    TraceId,
    SpanAttributes['gen_ai.request.model'] AS model,
    SpanAttributes['gen_ai.agent.name'] AS agent,
    Duration / 1e9 AS seconds,
    toDecimal64OrZero(SpanAttributes['costspan.cost.total'], 12) AS usd
FROM otel.otel_traces
WHERE mapContains(SpanAttributes, 'costspan.cost.total')
    AND Timestamp >= now() - INTERVAL 30 DAY
ORDER BY usd DESC, Timestamp
LIMIT 10
