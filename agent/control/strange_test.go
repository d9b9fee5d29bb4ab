package control

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kagiban/agent/door"
)

// against gives a client of an agent that answers these lines, one to each
// request, whatever it is asked.
func against(t *testing.T, lines ...string) *Client {
	t.Helper()
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		requests := newLineReader(far, maxRequest)
		for _, line := range lines {
			if _, err := requests.next(); err != nil {
				return
			}
			io.WriteString(far, line+"\n")
		}
		requests.next()
	}()
	t.Cleanup(func() { near.Close() })
	return NewClient(near)
}

// TestAnAgentOfAnotherVersionEnds what it has open, and itself: in its own version, on a connection of its own.
func TestAnAgentOfAnotherVersionEnds(t *testing.T) {
	heard := make(chan string, 9)
	dial := func(string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for requests := newLineReader(far, maxRequest); ; {
				line, err := requests.next()
				if err != nil {
					return
				}
				heard <- string(line)
				var r request
				switch err := json.Unmarshal(line, &r); {
				case err != nil || r.V != 2:
					_, _ = io.WriteString(far, `{"v":2,"error":{"code":"version","text":"?"}}`+"\n")
					return
				case r.Op == opShutdown:
					_, _ = io.WriteString(far, `{"v":2}`+"\n")
					return
				}
				_, _ = io.WriteString(far, `{"v":2}`+"\n")
			}
		}()
		return near, nil
	}
	for what, do := range map[string]func(*Client) error{"lock": func(c *Client) error { return c.Lock("laptop") }, "shutdown": (*Client).Shutdown} {
		c, err := Dial("", dial)
		if err != nil {
			t.Fatal(err)
		}
		if err := do(c); err != nil || len(heard) != 2 {
			t.Errorf("%s: %v, after %d requests", what, err, len(heard))
		}
		first, second := <-heard, <-heard
		if want := strings.Replace(first, `"v":3`, `"v":2`, 1); second != want {
			t.Errorf("%s: %s, then %s", what, first, second)
		}
		if _, err := c.Status(); err == nil {
			t.Errorf("%s: and the status is understood", what)
		}
		c.Close()
		for len(heard) > 0 {
			<-heard
		}
	}
}

func TestAStrangeAgentIsNotTrusted(t *testing.T) {
	var version *VersionError
	if _, err := against(t, `{"v":7,"status":{"pid":1,"moons":[]}}`).Status(); !errors.As(err, &version) ||
		version.Theirs != 7 || version.Ours != Version {
		t.Errorf("a newer agent: %v", err)
	}
	if err := against(t, `{"v":7,"error":{"code":"version","text":"?"}}`).Lock(); !errors.As(err, &version) {
		t.Errorf("a newer agent refuses: %v", err)
	}
	for name, line := range map[string]string{
		"no JSON":           "hello",
		"no status":         `{"v":3}`,
		"nothing":           "",
		"an endless answer": strings.Repeat("x", maxAnswer+1),
		"an error":          `{"v":3,"error":{"code":"moon","text":"full"}}`,
	} {
		if status, err := against(t, line).Status(); err == nil {
			t.Errorf("%s: status %+v", name, status)
		}
	}
	if _, err := against(t).Status(); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, ErrNotRunning) {
		t.Errorf("an agent that hangs up: %v", err)
	}
}

func TestStrangeRequests(t *testing.T) {
	r := start(t, "work")
	tests := []struct{ name, line, code string }{
		{"a newer client", `{"v":4,"op":"status","moon":"full"}`, codeVersion},
		{"no version", `{"op":"status"}`, codeVersion},
		{"no JSON", `status`, codeBadRequest},
		{"an empty line", ``, codeBadRequest},
		{"an array", `[1]`, codeBadRequest},
		{"two objects", `{"v":3,"op":"status"}{"v":3,"op":"lock"}`, codeBadRequest},
		{"no operation", `{"v":3}`, codeBadRequest},
		{"an unknown operation", `{"v":3,"op":"open"}`, codeBadRequest},
		{"an unknown field", `{"v":3,"op":"unlock","key":"work","moon":true}`, codeBadRequest},
		{"a passphrase that is no base64", `{"v":3,"op":"unlock","key":"work","passphrase":"hunter2!"}`, codeBadRequest},
		{"a life before its beginning", `{"v":3,"op":"unlock","key":"work","life_ms":-1}`, codeBadRequest},
		{"a life longer than can be counted", `{"v":3,"op":"unlock","key":"work","life_ms":9300000000000}`, codeBadRequest},
		{"a line that is too long", `{"v":3,"op":"` + strings.Repeat("x", maxRequest) + `"}`, codeBadRequest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := door.Dial(r.path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(20 * time.Second))
			go io.WriteString(c, test.line+"\n")
			lines := newLineReader(c, maxAnswer)
			line, err := lines.next()
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			var got answer
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatal(err)
			}
			if got.V != Version || got.Error == nil || got.Error.Code != test.code || strings.Contains(got.Error.Text, "hunter2") {
				t.Errorf("answer %s", line)
			}
			if _, err := lines.next(); err == nil || isTimeout(err) {
				t.Errorf("the connection is still open: %v", err)
			}
		})
	}
	if status, err := r.dial(t).Status(); err != nil || !status.Keys[0].Locked {
		t.Errorf("status %+v, error %v", status, err)
	}
}

func TestShutdownThatDoesNotHappenIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // waits in the time of its bubble
		if err := against(t, `{"v":3}`).Shutdown(); err == nil || !strings.Contains(err.Error(), "did not end") {
			t.Errorf("error %v", err)
		}
	})
}
