//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is the medians of all rounds of one method on one number of servers.
type row struct {
	figures
	least time.Duration // the shortest run
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

func rowOf(all []figures, method string, hosts int) row {
	var wall, client, server []time.Duration
	r := row{figures: figures{method: method, hosts: hosts, done: hosts}}
	for _, f := range all {
		if f.method == method && f.hosts == hosts {
			wall, client, server = append(wall, f.wall), append(client, f.client), append(server, f.server)
			r.done = min(r.done, f.done)
		}
	}
	r.wall, r.client, r.server, r.least = median(wall), median(client), median(server), slices.Min(wall)
	return r
}

// report prints the table and the goals. Its error is that a method did not do its work, so its figures mean nothing.
func report(w io.Writer, b *bench, counts []int, all []figures) error {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(w, "%s, %d CPUs, load %s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), strings.Join(strings.Fields(string(load))[:3], " "))
	fmt.Fprintf(w, "%s; %s; %s; servers: bookworm, %s, sudo with a password, on this machine\n\n", version(b.program, "version"), version("ssh", "-V"), version("ansible", "--version"), b.init)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "servers\twall s\tleast\tCPU s\tclient\tservers\tdone\t  ")
	var failed []string
	rows := map[string]row{}
	for _, n := range counts {
		for _, m := range b.methods {
			r := rowOf(all, m.name, n)
			rows[key(m.name, n)] = r
			fmt.Fprintf(t, "%d\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t%d\t  %s\n", n, r.wall.Seconds(), r.least.Seconds(), r.cpu().Seconds(), r.client.Seconds(), r.server.Seconds(), r.done, m.name)
			if r.done < n {
				failed = append(failed, fmt.Sprintf("%s: %d of %d servers", m.name, r.done, n))
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, n := range counts {
		goals(w, n, rows)
	}
	if len(failed) > 0 {
		return fmt.Errorf("not all was done, so these are no figures: %s", strings.Join(failed, "; "))
	}
	return nil
}

func key(method string, n int) string { return fmt.Sprintf("%s %d", method, n) }

// goals are those that there are for a number of servers. They are told, and decide nothing: they are for a quiet machine.
func goals(w io.Writer, n int, rows map[string]row) {
	ours := rows[key(byKagiban, n)]
	tell := func(reached bool, format string, args ...any) {
		fmt.Fprintf(w, "%-8s %s\n", map[bool]string{true: "reached", false: "MISSED"}[reached], fmt.Sprintf(format, args...))
	}
	times := func(method string) float64 { return rows[key(method, n)].wall.Seconds() / ours.wall.Seconds() }
	switch n {
	case 1:
		tell(times(byHand) >= 2, "1 server: %.1f times as fast as ssh-copy-id and the steps by hand (goal: 2)", times(byHand))
	case 50:
		over := (ours.cpu() - rows[key(byHandshakes, n)].cpu()).Seconds()
		tell(times(byAnsible) >= 8, "50 servers: %.1f times as fast as Ansible with its defaults (goal: 8)", times(byAnsible))
		tell(times(byAnsible50) >= 5, "50 servers: %.1f times as fast as Ansible with 50 forks (goal: 5)", times(byAnsible50))
		tell(over <= 15, "50 servers: %.1f CPU seconds more than the handshakes themselves (goal: 15)", over)
	}
}
