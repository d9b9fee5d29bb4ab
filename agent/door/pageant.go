package door

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// What is known of PuTTY's agent without Windows. Its source files are
// windows/utils/agent_named_pipe_name.c, windows/utils/cryptoapi.c and
// windows/pageant.c, the same from 0.77 to 0.85.

const (
	copyDataID      = 0x804e50ba // of the message to the window
	maxMessage      = 256 << 10  // of the protocol, its length included (AGENT_MAX_MSGLEN)
	maxMappingName  = 256
	windowClassName = "Pageant" // and its title
	protectBlock    = 16        // CRYPTPROTECTMEMORY_BLOCK_SIZE
)

// pageantPipe is the name of PuTTY's pipe for a user. protect encrypts a block where
// it lies, under a key that all processes of the user's session share; where it does
// nothing PuTTY goes on with the plain text, and so do we.
func pageantPipe(user string, protect func(block []byte)) string {
	block := make([]byte, protectBlock)
	copy(block, "Pageant")
	protect(block)
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(block)))) // as a string of SSH
	h.Write(block)
	return `\\.\pipe\pageant.` + user + "." + hex.EncodeToString(h.Sum(nil))
}

// userOf cuts a user's name out of one with its domain, as PuTTY does.
func userOf(principal string) string {
	user, _, _ := strings.Cut(principal, "@")
	return user
}

// privateTo describes a pipe that belongs to one user, whom alone it lets in, in the
// language of security descriptors. The owner is named because an elevated process
// would otherwise leave it to all administrators, and clients look at the owner.
func privateTo(sid string) string { return "O:" + sid + "D:P(A;;GRGW;;;" + sid + ")" }

var (
	errNotForUs  = errors.New("a message of another kind")
	errNoMapping = errors.New("the name of the memory does not end, or is too long")
)

// mappingName reads what a message to the window says: the name of the memory in
// which the request stands.
func mappingName(id uintptr, data []byte) (string, error) {
	if uint32(id) != copyDataID {
		return "", errNotForUs
	}
	if len(data) == 0 || len(data) > maxMappingName || data[len(data)-1] != 0 {
		return "", errNoMapping
	}
	name, _, _ := bytes.Cut(data, []byte{0})
	return string(name), nil
}

// askingThread is the thread that the name of a mapping speaks of, or 0. It says what
// its maker wants it to.
func askingThread(name string) uint32 {
	digits, ok := strings.CutPrefix(name, "PageantRequest")
	thread, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil {
		return 0
	}
	return uint32(thread)
}

// requestIn copies the request out of memory that its sender can change at any time:
// what was looked at is what is carried out. It is nil if it does not fit into the
// memory, or is empty.
func requestIn(memory []byte) []byte {
	memory = memory[:min(len(memory), maxMessage)]
	if len(memory) < 4 {
		return nil
	}
	length := binary.BigEndian.Uint32(memory)
	if length == 0 || uint64(length) > uint64(len(memory)-4) {
		return nil
	}
	request := make([]byte, 4+length)
	copy(request[4:], memory[4:])
	binary.BigEndian.PutUint32(request, length) // that of before, whatever it is now
	return request
}

// failure is the agent's no (RFC 9987 section 5.1), as a frame.
func failure() []byte { return []byte{0, 0, 0, 1, 5} }

// answerIn puts the answer where the request was; one that is missing or too long
// becomes a failure. It tells whether there was room even for that.
func answerIn(memory, answer []byte) bool {
	if len(answer) == 0 || len(answer) > len(memory) {
		answer = failure()
	}
	return len(answer) <= len(memory) && copy(memory, answer) > 0
}
