// Command testsum runs the tests and adds up what they did:
//
//	testsum [-not-run WHAT] -- [ARGUMENT OF go test...]
//
// It runs `go test -json ARGUMENT...`, prints a line for each package as it ends,
// the output of what failed, each skipped test with its reason (those that Windows, or
// wine, cannot run are counted apart), a table of the
// scenarios that tests told about (scenario|NUMBER|NAME|BASE|VERDICT), the ten slowest
// tests, and, as the last line, "N passed, N failed, N skipped". What is WHAT could
// not be run at all on this machine; the line before the last says so.
//
// It ends with 0 when all passed; 1 when something failed or did not build, or
// when there was nothing to run; 3 when only WHAT is missing.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	notRun := flag.String("not-run", "", "what this machine cannot run")
	flag.Parse()
	os.Exit(run(*notRun, flag.Args()))
}

// run runs the tests and returns the exit code.
func run(notRun string, args []string) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		return 1
	}
	s := newSummary(os.Stdout)
	readErr := s.read(out)
	if readErr != nil {
		fmt.Fprintln(os.Stderr, "testsum:", readErr)
	}
	s.ended(cmd.Wait() == nil && readErr == nil)
	return s.print(notRun)
}
