//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// took are how long single answers took.
type took []time.Duration

// at is a part of them: 0.5 is the median, 0.99 the one that one of a hundred is slower than. Microseconds.
func (t took) at(part float64) float64 {
	slices.Sort(t)
	return micros(t[min(len(t)-1, int(part*float64(len(t))))])
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// timed does something again and again, on one goroutine, until it was done most times or limit is over, and at least ten times. check is not counted.
func timed(most int, limit time.Duration, do func() error, check func() error) (took, error) {
	var all took
	for begun := time.Now(); len(all) < most && (len(all) < 10 || time.Since(begun) < limit); {
		t := time.Now()
		err := do()
		all = append(all, time.Since(t))
		if err == nil && check != nil {
			err = check()
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// signing signs so with one key over one connection, and returns the agent's CPU for each signature, in microseconds, too.
func (b *bench) signing(r *running, k *request, limit time.Duration) (all took, cpu float64, err error) {
	l, err := call(r.socket, startLimit)
	if err != nil {
		return nil, 0, err
	}
	defer l.Close()
	if err := k.settle(l); err != nil {
		return nil, 0, err
	}
	before, err := r.cpu()
	if err != nil {
		return nil, 0, err
	}
	var signature []byte
	all, err = timed(2000, limit, func() (err error) {
		signature, err = l.sign(k)
		return err
	}, func() error { return b.right(k, signature) })
	if err != nil {
		return nil, 0, err
	}
	after, err := r.cpu()
	return all, micros(after-before) / float64(len(all)), err
}

// oneByOne is signing with the agent on the same processor.
func (b *bench) oneByOne(r *running, k *request, limit time.Duration) (all took, cpu float64, err error) {
	err = r.together(func() (err error) {
		all, cpu, err = b.signing(r, k, limit)
		return err
	})
	return all, cpu, err
}

// right says that a signature is, and counts it.
func (b *bench) right(k *request, signature []byte) error {
	b.verified.Add(1)
	if k.verified == nil {
		return k.check(k.data, signature)
	}
	return k.same(signature)
}

// A crowd signs over many connections at once.
type crowd struct {
	links []*link
	key   *request
	stop  atomic.Bool
	done  atomic.Int64
	all   sync.WaitGroup
	err   error
	once  sync.Once
}

func (b *bench) crowd(r *running, k *request, connections int) (*crowd, error) {
	c := &crowd{key: k}
	for range connections {
		l, err := dial(r.socket)
		if err != nil {
			c.close()
			return nil, err
		}
		c.links = append(c.links, l)
	}
	return c, k.settle(c.links[0])
}

// begin has all connections sign until end.
func (c *crowd) begin(b *bench) {
	for _, l := range c.links {
		c.all.Go(func() {
			for !c.stop.Load() {
				signature, err := l.sign(c.key)
				if err == nil {
					err = b.right(c.key, signature)
				}
				if err != nil {
					c.once.Do(func() { c.err = err })
					return
				}
				c.done.Add(1)
			}
		})
	}
}

// end waits for the last answers.
func (c *crowd) end() error {
	c.stop.Store(true)
	c.all.Wait()
	return c.err
}

func (c *crowd) close() {
	for _, l := range c.links {
		_ = l.Close() // of no interest any more
	}
}

// rate is how many signatures a second that many connections get. The last answers count, and the time that they took.
func (b *bench) rate(r *running, k *request, connections int, window time.Duration) (float64, error) {
	c, err := b.crowd(r, k, connections)
	if err != nil {
		return 0, err
	}
	defer c.close()
	begun := time.Now()
	c.begin(b)
	time.Sleep(window) // the measure itself
	if err := c.end(); err != nil {
		return 0, err
	}
	return float64(c.done.Load()) / time.Since(begun).Seconds(), nil
}

// beside signs with a light key while eight connections sign with a heavy one.
func (b *bench) beside(r *running, light, heavy *request, window time.Duration) (took, error) {
	c, err := b.crowd(r, heavy, 8)
	if err != nil {
		return nil, err
	}
	defer c.close()
	c.begin(b)
	all, _, err := b.signing(r, light, window)
	return all, errors.Join(err, c.end())
}

// likeSSH is what ssh does with an agent for one login.
func (b *bench) likeSSH(r *running, k *request, keys int) (took, error) {
	var bind, session, data, signature []byte
	var sign *request
	prepare := func() (err error) {
		bind, session, err = b.keys.bind()
		data = k.login(session, k.public.Type())
		sign = &request{name: k.name, frame: k.signFrame(data)}
		return err
	}
	if err := prepare(); err != nil {
		return nil, err
	}
	return timed(300, time.Second, func() (err error) {
		l, err := call(r.socket, startLimit)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		answer, err := l.ask(bind)
		if err != nil {
			return fmt.Errorf("session bind: %w", err)
		}
		if answer[0] != success && (r.name == ours || r.name == openSSH) { // the others have none
			return fmt.Errorf("session bind: an answer of type %d", answer[0])
		}
		if err := l.list(keys); err != nil {
			return err
		}
		answer, err = l.sign(sign)
		signature = append(signature[:0], answer...)
		return err
	}, func() error {
		b.verified.Add(1)
		return errors.Join(k.check(data, signature), prepare())
	})
}

// whileBusy signs and lists, by turns, as long as something else goes on, and says how long the slowest of a hundred took, in microseconds. An agent
// that does not answer within the limit stands still.
func (b *bench) whileBusy(r *running, k *request, keys int, busy <-chan struct{}) (sign, list float64, err error) {
	const limit = time.Second
	l, err := call(r.socket, limit)
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	var signs, lists took
	for going := true; going; {
		select {
		case <-busy:
			going = false
		default:
		}
		t := time.Now()
		signature, err := l.sign(k)
		if err == nil {
			signs = append(signs, time.Since(t))
			err = b.right(k, signature)
		}
		if err == nil {
			t = time.Now()
			err = l.list(keys)
			lists = append(lists, time.Since(t))
		}
		if errors.Is(err, unix.EAGAIN) { // nor does it do the other: it stands still
			return micros(limit), micros(limit), nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return signs.at(0.99), lists.at(0.99), nil
}
