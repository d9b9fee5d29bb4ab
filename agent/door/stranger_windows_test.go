package door

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// TestPipeStrangers: whoever the system says is another user is shut out, and so is who cannot be told.
func TestPipeStrangers(t *testing.T) {
	path := pipeName()
	l := mustListen(t, path)
	l.me = "S-1-5-21-1-2-3-1001"
	refused := make(chan error, 1)
	l.Refused = func(_ Caller, err error) { refused <- err }
	go l.Accept()
	c := mustDial(t, path)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("another user is let in")
	}
	if err := <-refused; !errors.Is(err, ErrStranger) {
		t.Errorf("refused for %v", err)
	}
	if admit(Caller{}, "") == nil {
		t.Error("nobody is somebody")
	}
	if _, err := processCaller(0xfffffff0); err == nil {
		t.Error("a process that is none has a user")
	}
}

// TestPipeIsTheUsers: its owner is named, and nobody but the user has a right to it.
func TestPipeIsTheUsers(t *testing.T) {
	path := pipeName()
	mustListen(t, path)
	c := mustDial(t, path).(*pipeConn)
	var text string
	err := c.control(func(h windows.Handle) error {
		sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
		if err == nil {
			text = sd.String()
		}
		return err
	})
	sid := me(t)
	if err != nil || !strings.HasPrefix(text, "O:"+sid+"D:") || strings.Count(text, "(") != 1 || !strings.HasSuffix(text, ";;;"+sid+")") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestPipeOfAnother: nothing is said to a pipe that is not the user's.
func TestPipeOfAnother(t *testing.T) {
	sid := func(text string) *windows.SID {
		s, err := windows.StringToSid(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const system, admins, other = "S-1-5-18", "S-1-5-32-544", "S-1-5-21-1-2-3-1001"
	tests := []struct {
		path, owner string
		want        error
	}{
		{pipeName(), me(t), nil},
		{pipeName(), other, ErrStranger},
		{pipeName(), system, ErrStranger},
		{pipeName(), admins, ErrStranger},
		{OpenSSHPipe, system, nil},
		{"//./pipe/OpenSSH-ssh-agent", admins, nil},
		{OpenSSHPipe, other, ErrStranger},
		{OpenSSHPipe + "2", system, ErrStranger},
	}
	for _, tt := range tests {
		if err := checkOwner(tt.path, sid(tt.owner)); !errors.Is(err, tt.want) {
			t.Errorf("%s of %s: %v", tt.path, tt.owner, err)
		}
	}
	path := pipeName()
	l, err := newPipe(path, "O:"+admins+"D:P(A;;GA;;;WD)", windows.CreateNamedPipe)
	if errors.Is(err, windows.ERROR_INVALID_OWNER) { // who is no administrator cannot make one
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err := Dial(path); !errors.Is(err, ErrStranger) {
		t.Errorf("connected: %v, %v", c, err)
	}
}

// TestPipeMade: what wine does not hold to is asked for: no instance takes a client from another computer, each has the list that lets in
// the user alone, and the first must be the first of its name.
func TestPipeMade(t *testing.T) {
	type made struct{ flags, mode uint32 }
	var all []made
	path, private := pipeName(), privateTo(me(t))
	alone, err := windows.SecurityDescriptorFromString(private)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newPipe(path, private, func(name *uint16, flags, mode, instances, out, in, timeout uint32, who *windows.SecurityAttributes) (windows.Handle, error) {
		all = append(all, made{flags, mode})
		if got := who.SecurityDescriptor.String(); windows.UTF16PtrToString(name) != path || got != alone.String() {
			t.Errorf("instance %d of %s is for %s", len(all), windows.UTF16PtrToString(name), got)
		}
		return windows.CreateNamedPipe(name, flags, mode, instances, out, in, timeout, who)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 {
		mustDial(t, path)
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if len(all) != 3 {
		t.Errorf("%d instances for two clients and the one after them", len(all))
	}
	for i, m := range all {
		if m.mode&windows.PIPE_REJECT_REMOTE_CLIENTS == 0 {
			t.Errorf("instance %d takes clients from elsewhere", i+1)
		}
		if first := m.flags&windows.FILE_FLAG_FIRST_PIPE_INSTANCE != 0; first != (i == 0) {
			t.Errorf("instance %d is made as the first: %v", i+1, first)
		}
	}
}

// TestPipeIsTaken: a name that somebody got between our look at it and our making of it is in use, as Windows says it (CreateNamedPipe).
func TestPipeIsTaken(t *testing.T) {
	for _, why := range []error{windows.ERROR_ACCESS_DENIED, windows.ERROR_PIPE_BUSY} {
		_, err := newPipe(pipeName(), privateTo(me(t)), func(*uint16, uint32, uint32, uint32, uint32, uint32, uint32, *windows.SecurityAttributes) (windows.Handle, error) {
			return windows.InvalidHandle, why
		})
		if !errors.Is(err, ErrInUse) || !errors.Is(err, why) {
			t.Errorf("%v: %v", why, err)
		}
	}
}
