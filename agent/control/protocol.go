package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"kagiban/agent"
)

// Version is the version of the protocol that this package speaks.
const Version = 3

const (
	maxRequest = 64 << 10
	maxAnswer  = 4 << 20
)

// request is one line from a client.
type request struct {
	V          int          `json:"v"`
	Op         string       `json:"op"`
	Key        string       `json:"key,omitempty"`
	Passphrase []byte       `json:"passphrase,omitempty"`
	LifeMS     int64        `json:"life_ms,omitempty"`
	Confirm    bool         `json:"confirm,omitempty"`
	Keys       []string     `json:"keys,omitempty"`
	Name       string       `json:"name,omitempty"`
	Scope      *agent.Scope `json:"scope,omitempty"`
}

const (
	opStatus   = "status"
	opUnlock   = "unlock"
	opLock     = "lock"
	opShutdown = "shutdown"
	opPrompt   = "prompt"

	opAddSocket    = "socket-add"
	opRemoveSocket = "socket-remove"
	opRenameKey    = "key-rename"
)

// answer is one line from the agent.
type answer struct {
	V      int      `json:"v"`
	Status *Status  `json:"status,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

type failure struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

const (
	codeWrongPassphrase = "wrong-passphrase"
	codeNoKey           = "no-key"
	codeAgentLocked     = "agent-locked"
	codeVersion         = "version"
	codeBadRequest      = "bad-request"
	codeFailed          = "failed"
	codeNoSocket        = "no-socket"
	codeSocketThere     = "socket-there"
)

// toldApart are the errors that a client gets as they were.
var toldApart = []struct {
	code string
	err  error
}{
	{codeWrongPassphrase, agent.ErrWrongPassphrase},
	{codeNoKey, agent.ErrNoKey},
	{codeAgentLocked, agent.ErrAgentLocked},
	{codeNoSocket, ErrNoSocket},
	{codeSocketThere, ErrSocketThere},
}

// Status is what the running agent says of itself.
type Status struct {
	PID int `json:"pid"`
	Program
	agent.Status
	Sockets []Socket `json:"sockets,omitempty"` // the narrower ones, by name
}

// Program is what only the agent's program knows of itself.
type Program struct {
	Version   string   `json:"version"`
	Activated bool     `json:"activated"` // a service manager holds the sockets, and starts it again at their next use
	Doors     []Door   `json:"doors,omitempty"`
	Locks     []LockOn `json:"locks,omitempty"`
}

// Door is a way in beside the two sockets, which other programs know by name.
type Door struct {
	Name    string `json:"name"` // as package agent/door has it
	Path    string `json:"path"`
	Held    bool   `json:"held,omitempty"`    // it is shut because another program has it
	PID     int    `json:"pid,omitempty"`     // that program's process; 0: it cannot be learnt
	Program string `json:"program,omitempty"` // and its path or name
	Error   string `json:"error,omitempty"`   // why it is shut; "": it is open
}

// LockOn is what has the agent lock all keys by itself.
type LockOn struct {
	On      string `json:"on"`                 // "idle", "suspend" or "screen"
	AfterMS int64  `json:"after_ms,omitempty"` // of "idle": without use
	Asked   bool   `json:"asked,omitempty"`    // the person wants it; else it is so by default
	Heard   bool   `json:"heard,omitempty"`    // it happens: the system tells of it
	Problem string `json:"problem,omitempty"`  // why it does not, or, of "suspend", why the computer does not wait for it
}

// VersionError says that the running agent is of another version of kagiban than
// this program. Starting the agent anew mends it.
type VersionError struct{ Ours, Theirs int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the running agent speaks version %d of the control protocol and this program version %d", e.Theirs, e.Ours)
}

// errTooLong says that a line is longer than its end may be.
var errTooLong = errors.New("line too long")

// lineReader reads lines of bounded length, each only as long as it is used.
type lineReader struct {
	buffered *bufio.Reader
	max      int
	line     []byte
}

func newLineReader(r io.Reader, max int) *lineReader {
	return &lineReader{buffered: bufio.NewReaderSize(r, 1<<10), max: max}
}

// next returns a line, valid until next is called again; it is wiped then.
func (l *lineReader) next() ([]byte, error) {
	clear(l.line[:cap(l.line)])
	l.line = l.line[:0]
	for {
		part, err := l.buffered.ReadSlice('\n')
		if len(l.line)+len(part) > l.max {
			return nil, errTooLong
		}
		l.line = appendWiping(l.line, part)
		clear(part)
		switch {
		case err == nil:
			return l.line, nil
		case err == io.EOF && len(l.line) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// appendWiping appends as append does, and wipes what it leaves behind.
func appendWiping(dst, part []byte) []byte {
	grown := append(dst, part...)
	if len(dst) > 0 && &grown[0] != &dst[0] {
		clear(dst)
	}
	return grown
}

// decode reads the one JSON object of a line, all of whose fields must be known.
func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one object in a line")
	}
	return nil
}

func encode(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil { // our own types always can be
		panic("agent/control: " + err.Error())
	}
	return append(line, '\n')
}
