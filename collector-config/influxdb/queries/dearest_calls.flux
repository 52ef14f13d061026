import "experimental/json"

from(bucket: "costspan")
    |> range(start: -30d)
    |> filter(fn: (r) => r._measurement == "spans" and r._field == "attributes")
    |> filter(fn: (r) => r._value =~ /costspan\.cost\.total/)
    |> map(
        fn: (r) => {
            told = json.parse(data: bytes(v: r._value))

            return {
                _time: r._time,
                trace_id: r.trace_id,
                model: told["gen_ai.request.model"],
                usd: told["costspan.cost.total"],
            }
        },
    )
    |> group()
    |> top(n: 10, columns: ["usd"])
