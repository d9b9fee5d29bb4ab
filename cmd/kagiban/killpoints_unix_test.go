//go:build unix

package main

import (
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// killHosts are the servers on which kill points are tried side by side, as far as -parallel lets them; aFew are tried each time.
const killHosts, aFew = 8, 4

// TestKillPoints kills the client (kill -9) at a random moment of a run, KAGIBAN_KILLS times (make test-all). At once, until the server has come to rest, and then,
// somebody can log in, by what worked before or by the new key; and in the end the server is wholly old or wholly new.
func TestKillPoints(t *testing.T) {
	t.Parallel()
	kills, _ := strconv.Atoi(os.Getenv("KAGIBAN_KILLS"))
	kills = max(kills, aFew)
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("KAGIBAN_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("KAGIBAN_SEED=%d", seed)
	points := &killTable{ends: map[string]map[string]int{}}
	t.Cleanup(func() { points.log(t) })
	for i := range min(kills, killHosts) {
		t.Run("host"+strconv.Itoa(i+1), func(t *testing.T) {
			x, random := newSite(t, ""), rand.New(rand.NewPCG(seed, uint64(i)))
			begun := time.Now()
			if _, code := x.start("").end(); code != 0 {
				t.Fatalf("exit %d", code)
			}
			length := time.Since(begun)
			x.anew()
			for n := i; n < kills; n += killHosts {
				at := time.Duration(random.Int64N(int64(length)))
				where, end, length2 := x.killPoint(at)
				points.add(where, end)
				if length2 > 0 {
					length = length2 // the machine is as busy as it is
				}
				if t.Failed() {
					t.Fatalf("kill point %d, after %s, in the step after %q: %s", n, at, where, end)
				}
			}
		})
	}
}

// killPoint kills one run; length is how long it took, if it had ended before.
func (x *site) killPoint(at time.Duration) (where, end string, length time.Duration) {
	x.t.Helper()
	begun := time.Now()
	s := x.start("")
	defer x.relay.run.Store(nil)
	select {
	case <-time.After(at):
	case <-s.read:
		length = time.Since(begun)
	}
	_ = s.cmd.Process.Kill()
	<-s.read
	_ = s.cmd.Wait()
	where = lastStep(s.said())
	for limit := time.Now().Add(90 * time.Second); ; {
		x.letsIn()
		if busy := x.busy(); busy == "" {
			break
		} else if time.Now().After(limit) {
			x.t.Errorf("it does not come to rest: %s", busy)
			break
		}
	}
	switch end = x.outcome(false, false); end {
	case "old":
		x.h.Exec("tar -C / -xpf /var/before.tar home/owner/.ssh")
	case "new": // and the road back is open
		if _, _, code := x.c.kagiban(x.add()...); code != 0 {
			x.t.Errorf("the next run: exit %d", code)
		}
		if _, _, code := x.c.kagiban("host", "undo", "vps1", "-F", x.c.config, "--yes", "--passphrase-file", x.c.passphrase, "--password-file", x.h.PasswordFile); code != 0 {
			x.t.Errorf("host undo: exit %d", code)
		}
		x.h.Exec("tar -C / -xpf /var/before.tar home/owner/.ssh")
		if back := x.outcome(false, false); back != "old" {
			x.t.Errorf("after host undo: %s", back)
		}
	default:
		x.t.Error(end)
	}
	return where, end, length
}

var stepLine = regexp.MustCompile(`(?m)^  ok    (\S+( \S+)*)  `)

// lastStep is what a run said last that it had done.
func lastStep(said string) string {
	steps := stepLine.FindAllStringSubmatch(said, -1)
	if len(steps) == 0 {
		return "nothing"
	}
	return steps[len(steps)-1][1]
}

// killTable counts how runs ended, by the step that was the last.
type killTable struct {
	mu   sync.Mutex
	ends map[string]map[string]int
}

func (k *killTable) add(where, end string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ends[where] == nil {
		k.ends[where] = map[string]int{}
	}
	if end != "old" && end != "new" {
		end = "neither"
	}
	k.ends[where][end]++
}

// log writes a line for each step.
func (k *killTable) log(t *testing.T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]int{}
	for _, where := range slices.Sorted(maps.Keys(k.ends)) {
		e := k.ends[where]
		t.Logf("scenario|41|killed at random after: %s|%s|%d old, %d new, %d neither", where, bases()[0], e["old"], e["new"], e["neither"])
		for end, n := range e {
			all[end] += n
		}
	}
	t.Logf("scenario|41|killed at random, all|%s|%d old, %d new, %d neither", bases()[0], all["old"], all["new"], all["neither"])
}
