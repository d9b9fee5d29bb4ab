//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench-hosts: throwaway servers need Linux")
	os.Exit(1)
}
