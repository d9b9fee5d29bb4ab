package door

// Way is one more door, that programs of the operating system know by name.
type Way struct {
	Name     string    // one of the Way constants
	Path     string    // where it is: the name of a pipe, or WindowPath
	Listener *Listener // nil: it could not be opened
	Err      error     // why not; it wraps ErrInUse where somebody else has it
	Holder   Caller    // who that is, as far as it can be learnt
}

// The names of further doors.
const (
	WayPuTTY   = "putty-pipe"     // PuTTY since 0.75, and what is built of it
	WayWindow  = "pageant-window" // PuTTY before, and programs that never learnt more
	WayOpenSSH = "openssh-pipe"   // ssh.exe, where nothing tells it of another
)

// WindowPath stands for the address of the window, which has none but its class and
// its title.
const WindowPath = `window "` + windowClassName + `"`

// OpenSSHPipe is where the ssh.exe that comes with Windows looks for an agent
// (PowerShell/openssh-portable). The agent service that comes with it has the same
// name, so that only one of both can have it.
const OpenSSHPipe = `\\.\pipe\openssh-ssh-agent`

// Further opens the doors beyond the one that Listen makes, each for itself: that one
// cannot be opened keeps no other shut. There are none but on Windows. Whoever
// gets them closes them.
func Further() []Way { return further() }
