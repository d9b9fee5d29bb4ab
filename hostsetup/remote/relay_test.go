package remote

import (
	"bytes"
	"io"
	"os/exec"
	"testing"
	"time"
)

// TestRelay: a program is spoken with through a shell byte for byte, whatever the bytes are, and the shell goes on; likewise where the program ends before
// all is said.
func TestRelay(t *testing.T) {
	every := make([]byte, 0, 256)
	for b := range 256 {
		every = append(every, byte(b))
	}
	big := bytes.Repeat(every, 64)
	for _, sh := range shells(t) {
		for _, c := range []struct {
			name, program string
			say           [][]byte
			want          []byte
		}{
			{"all bytes", "cat", [][]byte{every, {}, big, []byte("; touch /nowhere\n$(exit 3)\n%s\\c")}, append(append(bytes.Clone(every), big...), "; touch /nowhere\n$(exit 3)\n%s\\c"...)},
			{"an early end", "printf gone", [][]byte{big, big, every, []byte("exit 1\n")}, []byte("gone")},
		} {
			w := NewWords()
			cmd := exec.Command(sh[0], sh[1:]...)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			tell := func(text string) {
				if _, err := io.WriteString(in, text); err != nil {
					t.Errorf("%v, %s: %v", sh, c.name, err)
				}
			}
			begins := []byte("\n" + w.Begins + "\n")
			tell(w.Relay(c.program))
			if got := make([]byte, len(begins)); true {
				if _, err := io.ReadFull(out, got); err != nil || !bytes.Equal(got, begins) {
					t.Fatalf("%v, %s: it begins with %q, %v", sh, c.name, got, err)
				}
			}
			said := make(chan []byte)
			go func() {
				all, _ := io.ReadAll(out) // the process ends it
				said <- all
			}()
			for _, b := range c.say {
				tell(Line(b))
			}
			tell(w.Over + "\nprintf %s still here\n")
			_ = in.Close()
			want := string(c.want) + "\n" + w.Over + "\nstillhere"
			if got := <-said; string(got) != want {
				t.Errorf("%v, %s: %d bytes, not %d: ...%q", sh, c.name, len(got), len(want), got[max(0, len(got)-60):])
			}
			if err := cmd.Wait(); err != nil || complaints.Len() > 0 {
				t.Errorf("%v, %s: %v: %s", sh, c.name, err, complaints.String())
			}
			late.Stop()
		}
	}
}
