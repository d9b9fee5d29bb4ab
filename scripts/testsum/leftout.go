package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// excuses begin the reasons of tests that are left out and not skipped: nothing on this machine could be installed to run them. Package
// scripts/ground gives them.
var excuses = []string{"not provable under wine", "not for Windows"}

// leftOut is why a test was left out: one of the excuses, and what follows it.
func leftOut(r *result) (excuse, why string, ok bool) {
	for _, line := range r.output {
		for _, excuse := range excuses {
			if _, why, ok := strings.Cut(strings.TrimSpace(line), ": "+excuse+": "); ok {
				return excuse, why, true
			}
		}
	}
	return "", "", false
}

// printLeftOut lists what was left out, by reason. It returns the rest, which was skipped, and what stands before the tally.
func (s *summary) printLeftOut(skipped []*result) (rest []*result, tally []string) {
	counts := map[[3]string]int{} // by excuse, reason, and the test at the top of those below it
	for _, r := range skipped {
		excuse, why, ok := leftOut(r)
		if !ok {
			rest = append(rest, r)
			continue
		}
		top, _, _ := strings.Cut(r.test.name, "/")
		counts[[3]string{excuse, why, test{r.test.pkg, top}.String()}]++
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b [3]string) int { return slices.Compare(a[:], b[:]) })
	for _, excuse := range excuses {
		all, last := 0, ""
		for _, k := range keys {
			if k[0] != excuse {
				continue
			}
			if k[1] != last {
				last = k[1]
				fmt.Fprintf(s.w, "\n%s: %s\n", excuse, last)
			}
			fmt.Fprintf(s.w, "  %3d  %s\n", counts[k], k[2])
			all += counts[k]
		}
		if all > 0 {
			tally = append(tally, fmt.Sprintf("%s: %d", strings.ToUpper(excuse), all))
		}
	}
	return rest, tally
}
