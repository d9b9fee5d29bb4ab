package journal

import (
	"errors"
	"net"
)

// JournaldSocket is where journald takes messages (systemd-journald.service(8)).
const JournaldSocket = "/run/systemd/journal/socket"

// journald is the system's journal (systemd.io, "Native Journal Protocol"). Its daemon
// runs as root, so what it was told the user's own programs cannot change.
type journald struct {
	path string
	conn *net.UnixConn
	text []byte
}

// send sends one line, and never waits: a journal that does not keep up misses it. Its
// name there is another than that of what the agent, as a service, says on stderr.
func (d *journald) send(line []byte) error {
	d.text = append(append(d.text[:0], "SYSLOG_IDENTIFIER=kagiban-log\nPRIORITY=6\nMESSAGE="...), line...)
	if d.conn != nil {
		err := sendNow(d.conn, d.text)
		if err == nil || errors.Is(err, errFull) {
			return err
		}
		d.close() // it may have begun anew
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: d.path, Net: "unixgram"})
	if err != nil {
		return err
	}
	d.conn = conn
	return sendNow(d.conn, d.text)
}

var errFull = errors.New("it does not keep up")

func (d *journald) close() {
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
}
