package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// scenario is what a test says of one kind of server, on a line of its own: scenario|NUMBER|NAME|BASE|VERDICT.
type scenario struct {
	number              int
	name, base, verdict string
}

// parseScenario finds such a line in a test's log ("    file_test.go:7: scenario|...").
func parseScenario(line string) (scenario, bool) {
	_, text, found := strings.Cut(strings.TrimSpace(line), ": scenario|")
	fields := strings.Split(text, "|")
	if !found || len(fields) != 4 {
		return scenario{}, false
	}
	number, err := strconv.Atoi(fields[0])
	return scenario{number, fields[1], fields[2], fields[3]}, err == nil
}

// printScenarios prints one table: a line for each kind of server, a column for each base that it was run on, and in it the verdict
// and how long it took.
func (s *summary) printScenarios() {
	cells := map[scenario]map[string]string{} // by number and name, then by base
	bases := map[string]bool{}
	for _, t := range s.order {
		r := s.results[t]
		for _, c := range r.scenarios {
			row := scenario{number: c.number, name: c.name}
			if cells[row] == nil {
				cells[row] = map[string]string{}
			}
			bases[c.base] = true
			cells[row][c.base] = fmt.Sprintf("%s %.1fs", c.verdict, r.took.Seconds())
		}
	}
	if len(cells) == 0 {
		return
	}
	columns := slices.Sorted(maps.Keys(bases))
	fmt.Fprintln(s.w, "\nscenarios:")
	w := tabwriter.NewWriter(s.w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  \t\t%s\n", strings.Join(columns, "\t"))
	rows := slices.SortedFunc(maps.Keys(cells), func(a, b scenario) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.name, b.name))
	})
	for _, row := range rows {
		fmt.Fprintf(w, "  %2d\t%s", row.number, row.name)
		for _, base := range columns {
			fmt.Fprint(w, "\t", cmp.Or(cells[row][base], "-"))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // it writes to the same place as all else here, which nobody checks
}
