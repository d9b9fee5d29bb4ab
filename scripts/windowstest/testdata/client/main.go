// Command client joins stdin and stdout to the agent at a pipe, as kagiban itself reaches one.
package main

import (
	"fmt"
	"io"
	"os"

	"kagiban/agent/door"
)

func main() {
	conn, err := door.Dial(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	go func() {
		io.Copy(conn, os.Stdin)
		conn.Close()
	}()
	io.Copy(os.Stdout, conn)
}
