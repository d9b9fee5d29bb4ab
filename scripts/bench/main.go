//go:build linux

// Command bench sets kagiban's agent side by side with OpenSSH's ssh-agent, PuTTY's pageant and the agent that golang.org/x/crypto/ssh/agent gives
// everybody, on this machine and with the same keys:
//
//	bench -kagiban PROGRAM [-rounds 5] [-json FILE] [-gate]
//
// Each round starts all of them anew and asks them in turn, each round in another order, so that a busy moment of the machine meets all alike: only
// figures of one round are divided by one another. CPU is that of the agent's process, by the kernel's clock of it. kagiban is the whole program,
// with a vault, its log of uses and its policy; the key of the light signatures is the vault's.
//
// It promises that every signature that a figure counts was compared with one that was verified, or verified itself; that nothing is left out of
// the table that was measured, goal reached or not; and to end with 1 if an agent gave a wrong answer, or, with -gate, if a figure is worse than its
// goal by more than the slack.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "keyring" { // one of the agents
		fmt.Fprintln(os.Stderr, serveKeyring(os.Args[2]))
		os.Exit(1)
	}
	program := flag.String("kagiban", "", "the program")
	rounds := flag.Int("rounds", 5, "how often everything is measured")
	file := flag.String("json", "", "a file for all figures of all rounds")
	gate := flag.Bool("gate", false, "only what a gate can hold: ratios and CPU, without pageant, three rounds, and an end with 1 where one is worse than its goal by more than the slack")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *file, *rounds, *gate); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, program, file string, rounds int, gate bool) error {
	if gate {
		rounds = 3
	}
	b, err := newBench(ctx, program, gate)
	if err != nil {
		return err
	}
	defer b.close()
	for round := range rounds {
		if err := b.round(round); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
	}
	r := b.report()
	if file != "" {
		if err := r.writeJSON(file); err != nil {
			return err
		}
	}
	return r.print(os.Stdout, gate)
}
