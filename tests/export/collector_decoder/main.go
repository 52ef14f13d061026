// Reads OTLP JSON lines with the collector's own decoder and prints each as protobuf, in hex.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(lines.Bytes())
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		bytes, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		fmt.Println(hex.EncodeToString(bytes))
	}
}
