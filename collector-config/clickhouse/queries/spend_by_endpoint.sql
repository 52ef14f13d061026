-- US dollars of the last 30 days by endpoint and agent, the dearest first.
SELECT
    SpanAttributes['costspan.endpoint'] AS endpoint,
    SpanAttributes['gen_ai.agent.name'] AS agent,
    count() AS calls,
    countIf(SpanAttributes['error.type'] != '') AS errors,
    sum(toDecimal64OrZero(SpanAttributes['costspan.cost.total'], 12)) AS usd
FROM otel.otel_traces
WHERE mapContains(SpanAttributes, 'costspan.cost.status')
    AND Timestamp >= now() - INTERVAL 30 DAY
GROUP BY endpoint, agent
ORDER BY usd DESC, endpoint, agent
