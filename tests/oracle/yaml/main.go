// Command yaml says what sigs.k8s.io/yaml, the reader of kubectl, Helm and the API server, makes of documents.
//
// It reads frames from standard input, each a length in decimal, a line feed and that many bytes, and writes one line for
// each: the JSON of the document (object keys sorted), or `refused`, or `ambiguous` where the answer changes from run to
// run (`{1: a, "1": b}`: Go's maps have no order). An argument `hash` writes the hash of that line instead, `once` reads each
// document a single time, so that nothing is ambiguous, `often` so often that nothing ambiguous stays unnoticed.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	hash := len(os.Args) > 1 && os.Args[1] == "hash"
	again := 4
	if len(os.Args) > 1 && os.Args[1] == "once" {
		again = 0
	} else if len(os.Args) > 1 && os.Args[1] == "often" {
		again = 60
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return
		}
		size, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			fmt.Fprintln(os.Stderr, "bad frame:", err)
			os.Exit(2)
		}
		document := make([]byte, size)
		if _, err := io.ReadFull(in, document); err != nil {
			fmt.Fprintln(os.Stderr, "short frame:", err)
			os.Exit(2)
		}
		answer := read(document)
		for range again {
			if answer != "refused" && read(document) != answer {
				answer = "ambiguous"
			}
		}
		if hash {
			sum := fnv.New64a()
			sum.Write([]byte(answer))
			fmt.Fprintf(out, "%016x\n", sum.Sum64())
		} else {
			fmt.Fprintln(out, answer)
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

// read gives the document as Kubernetes' decoders see it: numbers are whole where their JSON is.
func read(document []byte) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "refused"
		}
	}()
	asJSON, err := yaml.YAMLToJSON(document)
	if err != nil {
		return "refused"
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "refused"
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(numbers(value)); err != nil {
		return "refused"
	}
	return strings.TrimSuffix(out.String(), "\n")
}

func numbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = numbers(inner)
		}
	case []any:
		for index, inner := range value {
			value[index] = numbers(inner)
		}
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole
		}
		// Numbers beyond are floats to Kubernetes. Floats as their bits, so that no two printers need to agree.
		float, _ := value.Float64()
		return fmt.Sprintf("float:%016x", math.Float64bits(float))
	}
	return value
}
