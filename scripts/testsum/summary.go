package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// event is a line of `go test -json` (go doc test2json, go help buildjson).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

// test names a test; the zero name is the package itself.
type test struct{ pkg, name string }

func (t test) String() string {
	if t.name == "" {
		return t.pkg
	}
	return t.pkg + " " + t.name
}

// result is what became of a test, or of a package.
type result struct {
	test   test
	action string // pass, fail, skip; "" is unfinished
	took   time.Duration
	output []string
	// scenarios are the kinds of server that it told about.
	scenarios []scenario
}

// summary adds events up.
type summary struct {
	w       io.Writer
	results map[test]*result
	order   []test
	build   map[string][]string // output of the compiler, by import path
	clean   bool                // go test itself ended with 0
}

func newSummary(w io.Writer) *summary {
	return &summary{w: w, results: map[test]*result{}, build: map[string][]string{}}
}

// read takes all events. A line that is no event is shown as it is: it comes from
// the go command, or from a test that writes to its stdout.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			fmt.Fprintln(s.w, lines.Text())
			continue
		}
		s.add(e)
	}
	return lines.Err()
}

// ended notes how go test itself came to its end.
func (s *summary) ended(clean bool) { s.clean = clean }

func (s *summary) add(e event) {
	if e.Action == "build-output" {
		s.build[e.ImportPath] = append(s.build[e.ImportPath], e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	name := test{e.Package, e.Test}
	r := s.results[name]
	if r == nil {
		r = &result{test: name}
		s.results[name] = r
		s.order = append(s.order, name)
	}
	switch e.Action {
	case "output":
		r.output = append(r.output, e.Output)
		if told, ok := parseScenario(e.Output); ok {
			r.scenarios = append(r.scenarios, told)
		}
	case "pass", "fail", "skip":
		r.action, r.took = e.Action, time.Duration(e.Elapsed*float64(time.Second))
		if e.FailedBuild != "" {
			r.output = append(r.output, s.build[e.FailedBuild]...)
		}
		if e.Test == "" {
			s.packageEnded(r)
		} else if e.Action == "pass" {
			r.output = nil
		}
	}
}

// packageEnded prints what failed in a package, and its line.
func (s *summary) packageEnded(r *result) {
	mark := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "-   "}[r.action]
	if r.action == "fail" {
		for _, name := range s.order {
			if t := s.results[name]; name.pkg == r.test.pkg && name.name != "" && t.action != "pass" && t.action != "skip" {
				s.printFailure(t)
			}
		}
		s.printFailure(r)
	}
	fmt.Fprintf(s.w, "%s %-44s %6.1fs\n", mark, r.test.pkg, r.took.Seconds())
}

func (s *summary) printFailure(r *result) {
	fmt.Fprintf(s.w, "--- %s\n", r.test)
	for _, line := range r.output {
		if !frame(line) {
			fmt.Fprint(s.w, "    ", line)
		}
	}
}

// frame tells the lines with which go test frames a test from what the test says.
func frame(line string) bool {
	for _, prefix := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// print writes the tally and returns the exit code.
func (s *summary) print(notRun string) int {
	passed := 0
	var failed, skipped, timed []*result
	for _, name := range s.order {
		r := s.results[name]
		switch {
		case r.action == "pass" && name.name != "" && s.isParent(name):
			continue // its subtests are counted
		case name.name == "" && !s.failedAlone(r):
			continue
		case r.action == "pass":
			passed++
		case r.action == "skip":
			skipped = append(skipped, r)
		case s.failedBelow(name):
			continue
		default:
			failed = append(failed, r)
		}
		timed = append(timed, r)
	}
	skipped, leftOut := s.printLeftOut(skipped)
	s.printSkipped(skipped)
	s.printScenarios()
	s.printSlowest(timed)
	for _, r := range failed {
		fmt.Fprintln(s.w, "FAIL:", r.test)
	}
	code := 0
	switch {
	case len(failed) > 0 || passed == 0 || !s.clean:
		code = 1
	case notRun != "":
		code = 3
	}
	if code == 1 && len(failed) == 0 {
		fmt.Fprintln(s.w, "FAIL: go test did not run any test, or did not come to its end")
	}
	if notRun != "" {
		fmt.Fprintln(s.w, "NOT RUN:", notRun)
	}
	for _, line := range leftOut {
		fmt.Fprintln(s.w, line)
	}
	fmt.Fprintf(s.w, "%d passed, %d failed, %d skipped\n", passed, len(failed), len(skipped))
	return code
}

// isParent tells whether a test has subtests.
func (s *summary) isParent(t test) bool {
	return slices.ContainsFunc(s.order, func(o test) bool {
		return o.pkg == t.pkg && strings.HasPrefix(o.name, t.name+"/")
	})
}

// failedBelow tells whether a failure is only that of a subtest.
func (s *summary) failedBelow(t test) bool {
	return t.name != "" && slices.ContainsFunc(s.order, func(o test) bool {
		action := s.results[o].action
		return o.pkg == t.pkg && strings.HasPrefix(o.name, t.name+"/") && (action == "fail" || action == "")
	})
}

// failedAlone tells whether a package failed without a test of it failing: it
// did not build, its TestMain failed, or it died before its first test.
func (s *summary) failedAlone(r *result) bool {
	if r.action != "fail" {
		return false
	}
	return !slices.ContainsFunc(s.order, func(o test) bool {
		action := s.results[o].action
		return o.pkg == r.test.pkg && o.name != "" && (action == "fail" || action == "")
	})
}

// printSkipped names each skipped test with its reason.
func (s *summary) printSkipped(skipped []*result) {
	if len(skipped) == 0 {
		return
	}
	fmt.Fprintln(s.w, "\nskipped:")
	for _, r := range skipped {
		reason := "no reason given"
		for _, line := range r.output {
			line = strings.TrimSpace(line)
			if line != "" && !frame(line) && !strings.HasPrefix(line, "--- SKIP") {
				reason = line
			}
		}
		fmt.Fprintf(s.w, "  %s: %s\n", r.test, reason)
	}
}

// printSlowest lists the ten slowest tests.
func (s *summary) printSlowest(timed []*result) {
	slices.SortStableFunc(timed, func(a, b *result) int { return cmp.Compare(b.took, a.took) })
	fmt.Fprintln(s.w, "\nslowest:")
	for _, r := range timed[:min(10, len(timed))] {
		fmt.Fprintf(s.w, "  %6.1fs  %s\n", r.took.Seconds(), r.test)
	}
	fmt.Fprintln(s.w)
}
