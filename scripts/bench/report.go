//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A goal is what a figure is to reach: as a ratio to another agent's in the same round, or by itself. A gate lets a figure be somewhat worse (slack).
type goal struct {
	figure string
	unit   string
	to     string  // whose figure it is divided by; "": nobody's
	ratio  float64 // at most; negative: at least that without its sign; 0: none
	most   float64 // of the figure itself; 0: none
}

// goals are the rows of the table, in its order.
var goals = []goal{
	{"ed25519 sign, CPU", "us", openSSH, 0.12, 0},
	{"ed25519 sign, p50", "us", openSSH, 0, 0},
	{"p256 sign, CPU", "us", openSSH, 0.30, 0},
	{"p256 sign, p50", "us", openSSH, 0, 0},
	{"ed25519 a second, 64 connections", "/s", openSSH, -15, 0},
	{"ed25519 a second, 512 connections", "/s", openSSH, -15, 0},
	{"ed25519 beside 8 of rsa-4096, p50", "us", openSSH, 0, 0},
	{"ed25519 beside 8 of rsa-4096, p99", "us", openSSH, 1. / 200, 1000},
	{"sign during a key derivation, p99", "us", "", 0, 5000},
	{"list during a key derivation, p99", "us", "", 0, 5000},
	{"sign while a prompt is open, p99", "us", "", 0, 5000},
	{"list while a prompt is open, p99", "us", "", 0, 5000},
	{"rsa-3072 sign, CPU", "us", raw, 1.15, 0},
	{"rsa-4096 sign, CPU", "us", raw, 1.15, 0},
	{"rsa-3072 a second, 8 connections", "/s", openSSH, -0.8, 0},
	{"rsa-4096 a second, 8 connections", "/s", openSSH, -0.8, 0},
	{"list of 1, p50", "us", openSSH, 0.6, 0},
	{"list of 100, p50", "us", openSSH, 0.05, 0},
	{"list of 1000, p50", "us", openSSH, 0.01, 0},
	{"connect, bind, list, sign, close, p50", "us", openSSH, 0.12, 0},
	{"sign with the last of 1000 keys, CPU against the first of few", "x", "", 0, 1.1},
	{"RSS, no key open", "MiB", "", 0, 8},
	{"RSS, 1000 keys", "MiB", "", 0, 12},
	{"RSS, 1000 idle connections", "MiB", "", 0, 14},
	{"RSS, 5 s after an unlock: more than before", "MiB", "", 0, 4},
	{"start to first answer", "ms", openSSH, 1.3, 0},
	{"size of the program", "MiB", "", 0, 12},
}

// slack is how much worse than its goal a figure may be before a gate shuts: this machine has other things to do.
const slack = 1.6

// A line is a row of the table.
type line struct {
	Figure string               `json:"figure"`
	Unit   string               `json:"unit"`
	Values map[string][]float64 `json:"values"`          // by agent, one a round
	Ratio  *float64             `json:"ratio"`           // median of the rounds' ratios; null without To
	To     string               `json:"to,omitempty"`    // whose it is divided by
	Goal   string               `json:"goal,omitempty"`  // in words
	Met    *bool                `json:"met"`             // null: there is no goal
	Worse  float64              `json:"worse,omitempty"` // how many times worse than the goal; up to 1 is met
	gated  bool
}

// A report is what came of a run.
type report struct {
	Time     time.Time         `json:"time"`
	Machine  string            `json:"machine"`
	CPUs     int               `json:"cpus"`
	Load     string            `json:"load"` // at the end (proc(5), loadavg)
	Versions map[string]string `json:"versions"`
	Verified int64             `json:"verified_signatures"`
	Lines    []line            `json:"figures"`
	names    []string
}

func (b *bench) report() *report {
	load, _ := os.ReadFile("/proc/loadavg")
	r := &report{Time: time.Now().UTC(), Machine: machine(), CPUs: runtime.NumCPU(), Load: strings.Join(strings.Fields(string(load))[:3], " "), Versions: map[string]string{}, Verified: b.verified.Load()}
	for _, a := range b.anchors {
		r.names, r.Versions[a.name] = append(r.names, a.name), a.version
	}
	for _, g := range goals {
		r.Lines = append(r.Lines, g.line(b.figures[g.figure]))
	}
	return r
}

// line sets a figure against its goal.
func (g goal) line(values map[string][]float64) line {
	l := line{Figure: g.figure, Unit: g.unit, Values: values, To: g.to, gated: g.ratio != 0 || g.most != 0}
	var words []string
	if base := values[g.to]; g.to != "" && len(base) == len(values[ours]) && len(base) > 0 {
		var all []float64
		for i, v := range values[ours] {
			all = append(all, v/base[i])
		}
		ratio := median(all)
		if l.Ratio = &ratio; g.ratio < 0 {
			l.Worse, words = -g.ratio/ratio, append(words, fmt.Sprintf(">= %.3gx", -g.ratio))
		} else if g.ratio > 0 {
			l.Worse, words = ratio/g.ratio, append(words, fmt.Sprintf("<= %.3gx", g.ratio))
		}
	}
	if g.most != 0 && len(values[ours]) > 0 {
		l.Worse = max(l.Worse, median(values[ours])/g.most)
		words = append(words, fmt.Sprintf("<= %.3g %s", g.most, g.unit))
	}
	if len(words) > 0 {
		met := l.Worse <= 1
		l.Goal, l.Met = strings.Join(words, " and "), &met
	}
	return l
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	if len(all) == 0 {
		return math.NaN()
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// print prints the table. With a gate, its error names what is worse than the slack allows, or was not measured.
func (r *report) print(w io.Writer, gate bool) error {
	fmt.Fprintf(w, "%s, %s, %d CPUs, load %s\n", r.Time.Format("2006-01-02 15:04 UTC"), r.Machine, r.CPUs, r.Load)
	for _, name := range r.names {
		fmt.Fprintf(w, "%s: %s\n", name, r.Versions[name])
	}
	fmt.Fprintf(w, "%d signatures, each verified or the same as one that was; min / median / max of %d rounds; ratio: median of the rounds' ratios\n\n", r.Verified, len(r.Lines[0].Values[ours]))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "figure\tunit\t%s\tratio\tto\tgoal\t\t%s\n", ours, strings.Join(others(r.names), "\t"))
	var bad []string
	for _, l := range r.Lines {
		ratio, met := "", ""
		if l.Ratio != nil {
			ratio = fmt.Sprintf("%.3g", *l.Ratio)
		}
		if l.Met != nil {
			met = map[bool]string{true: "yes", false: "no"}[*l.Met]
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s", l.Figure, l.Unit, span(l.Values[ours]), ratio, l.To, l.Goal, met)
		for _, name := range others(r.names) {
			fmt.Fprintf(t, "\t%s", span(l.Values[name]))
		}
		fmt.Fprintln(t)
		switch {
		case l.gated && l.Goal == "":
			bad = append(bad, l.Figure+": not measured")
		case l.gated && l.Worse > slack:
			bad = append(bad, fmt.Sprintf("%s: %.2f times its goal", l.Figure, l.Worse))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if gate && r.Verified < 1000 {
		bad = append(bad, fmt.Sprintf("only %d signatures were verified", r.Verified))
	}
	if gate && len(bad) > 0 {
		return fmt.Errorf("worse than the gate lets pass (%.1f times its goal):\n  %s", slack, strings.Join(bad, "\n  "))
	}
	return nil
}

func others(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == ours })
}

// span is what came of the rounds.
func span(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s / %s / %s", short(slices.Min(all)), short(median(all)), short(slices.Max(all)))
}

func short(v float64) string {
	if math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func (r *report) writeJSON(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// machine is the processor's name.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(after, "\t :"), "\n")
	return name
}

// versionOf is the first line that a program says of itself.
func versionOf(program string, args ...string) string {
	said, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	first, _, _ := strings.Cut(string(said), "\n")
	return strings.TrimLeft(strings.TrimPrefix(first, filepath.Base(program)), ": ") // its name stands before it
}

// library is the version of golang.org/x/crypto that this program is built with.
func library() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "golang.org/x/crypto" {
				return m.Version
			}
		}
	}
	return ""
}
