//go:build linux

// Command benchhosts sets `kagiban host add` side by side with what people do in its place, on throwaway servers, in one run:
//
//	benchhosts -kagiban PROGRAM [-hosts 1,10,50] [-rounds 3] [-init sysv|systemd] [-only WORD]
//
// The others are ssh-copy-id with a how-to's steps typed after it (one server after another, and 16 at once), an Ansible playbook that comes to the
// same end state (with Ansible's defaults, and with 50 forks and no facts), and the bare handshakes that kagiban's own run has. All start from the
// same state of the servers, with keys that are open already and no server known; each round has all of them, each time in another order. After
// each run every server is asked what it offers, and one that is not key-only is counted as not done. CPU is that of both sides, by their cgroups.
//
// It promises to print what it measured, whether or not a goal is reached, and to end with 1 if a method did not do its work.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) > 3 && os.Args[1] == "handshakes" { // one of the methods: FOLDER ADDRESS...
		if err := handshakes(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	program := flag.String("kagiban", "", "the program")
	sizes := flag.String("hosts", "1,10,50", "how many servers, a number or several")
	rounds := flag.Int("rounds", 3, "how often each is run")
	init := flag.String("init", "sysv", "of the servers: sysv (init.d), or systemd, of which the kernel's default limits allow some twenty at once")
	only := flag.String("only", "", "only the methods that have this word in their name, and the handshakes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *init, *sizes, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench-hosts:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, program, init, sizes string, rounds int, only string) error {
	var counts []int
	for word := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("-hosts: %q is not 1 to 100", word)
		}
		counts = append(counts, n)
	}
	if rounds < 1 {
		return fmt.Errorf("-rounds: %d", rounds)
	}
	b, err := newBench(ctx, program, init, slices.Max(counts))
	if err != nil {
		return err
	}
	defer b.close()
	b.methods = slices.DeleteFunc(b.methods, func(m method) bool { return !m.withKey && !strings.Contains(m.name, only) })
	var all []figures
	for round := range rounds {
		for _, n := range counts {
			for i := range b.methods {
				m := b.methods[(i+round)%len(b.methods)]
				f, err := b.measure(ctx, m, n)
				if err != nil {
					return fmt.Errorf("%s, %d servers: %w", m.name, n, err)
				}
				fmt.Fprintf(os.Stderr, "round %d of %d: %-32s %3d servers %7.1f s\n", round+1, rounds, m.name, n, f.wall.Seconds())
				all = append(all, f)
			}
		}
	}
	return report(os.Stdout, b, counts, all)
}
