-- US dollars, calls and tokens of each day (UTC). Calls without a price are counted, not summed.
SELECT
    toDate(Timestamp, 'UTC') AS day,
    count() AS calls,
    countIf(SpanAttributes['costspan.cost.status'] = 'unpriced') AS unpriced,
    sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.input_tokens'])) AS input_tokens,
    sum(toUInt64OrZero(SpanAttributes['gen_ai.usage.output_tokens'])) AS output_tokens,
    sum(toDecimal64OrZero(SpanAttributes['costspan.cost.total'], 12)) AS usd
FROM otel.otel_traces
WHERE mapContains(SpanAttributes, 'costspan.cost.status')
GROUP BY day
ORDER BY day
