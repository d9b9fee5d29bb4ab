package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// driveEnv makes the test binary the person in front of a dialog: the number of the process whose dialog it is, and what to do there.
const driveEnv = "PROMPT_TEST_DRIVE"

func TestMain(m *testing.M) {
	if orders := os.Getenv(driveEnv); orders != "" {
		drive(orders)
		return
	}
	if os.Getenv(argumentsEnv) != "" {
		fmt.Println(strings.Join(os.Args[1:], "|"))
		return
	}
	os.Exit(m.Run())
}

// dialogOf finds the dialog of a process, and waits for it.
func dialogOf(process uint32) (window windows.HWND) {
	found := windows.NewCallback(func(w windows.HWND, _ uintptr) uintptr {
		var owner uint32
		var class [20]uint16
		_, _ = windows.GetWindowThreadProcessId(w, &owner)
		n, _ := windows.GetClassName(w, &class[0], int32(len(class)))
		if owner == process && windows.UTF16ToString(class[:n]) == "#32770" { // a dialog's own class
			window = w
			return 0
		}
		return 1
	})
	for end := time.Now().Add(time.Minute); window == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_ = windows.EnumWindows(found, nil) // it ends with an error when it was told to stop
	}
	return window
}

// drive does what a person would: PROCESS, then lines of "type TEXT", "press ID", "key CODE". It prints what is to be seen.
func drive(orders string) {
	lines := strings.Split(orders, "\n")
	process, _ := strconv.Atoi(lines[0])
	window := uintptr(dialogOf(uint32(process)))
	if window == 0 {
		fmt.Println("no dialog")
		return
	}
	get := func(id uintptr) uintptr { w, _, _ := dlgItem.Call(window, id); return w }
	text := func(w uintptr) string {
		var s [2000]uint16
		n, _, _ := sendMessage.Call(w, wmGetText, uintptr(len(s)), uintptr(unsafe.Pointer(&s[0])))
		return windows.UTF16ToString(s[:n])
	}
	const getPasswordChar, clicked, keyDown, keyUp = 0x00D2, 0x00F5, 0x0100, 0x0101
	fmt.Printf("title %q text %q\n", text(window), text(get(idText)))
	if edit := get(idEdit); edit != 0 {
		sign, _, _ := sendMessage.Call(edit, getPasswordChar, 0, 0)
		fmt.Println("masked", sign != 0)
	}
	for _, line := range lines[1:] {
		verb, what, _ := strings.Cut(line, " ")
		number, _ := strconv.Atoi(what)
		switch verb {
		case "type":
			s, _ := windows.UTF16PtrFromString(what)
			sendMessage.Call(get(idEdit), wmSetText, 0, uintptr(unsafe.Pointer(s)))
		case "press":
			sendMessage.Call(get(uintptr(number)), clicked, 0, 0)
		case "key": // to whatever has the keyboard
			var info windows.GUIThreadInfo
			info.Size = uint32(unsafe.Sizeof(info))
			thread, _ := windows.GetWindowThreadProcessId(windows.HWND(window), nil)
			_ = windows.GetGUIThreadInfo(thread, &info)
			postMessage.Call(uintptr(info.Focus), keyDown, uintptr(number), 0)
			postMessage.Call(uintptr(info.Focus), keyUp, uintptr(number), 0)
		}
	}
}

// driven asks a question while another process sits in front of it, and gives what that one saw.
func driven(t *testing.T, orders string, ask func(*Prompter)) (saw string) {
	t.Helper()
	p := New(func(string) string { return "" })
	p.tty = "" // the tests may have a console
	if p.way() != byDialog {
		t.Fatalf("the way is %d", p.way())
	}
	person := exec.Command(os.Args[0])
	person.Env = append(os.Environ(), driveEnv+"="+strconv.Itoa(os.Getpid())+"\n"+orders)
	var out strings.Builder
	person.Stdout, person.Stderr = &out, &out
	if err := person.Start(); err != nil {
		t.Fatal(err)
	}
	ask(p)
	if err := person.Wait(); err != nil {
		t.Errorf("the person: %v", err)
	}
	return out.String()
}

func press(id int) string { return "\npress " + strconv.Itoa(id) }

const enter, escape = "\nkey 13", "\nkey 27" // VK_RETURN, VK_ESCAPE

func TestDialogSecret(t *testing.T) {
	const typedText = "パスフレーズ 😀 & 1"
	long := strings.Repeat("鍵", maxAnswer/3)
	for _, tt := range []struct {
		name, orders, want string
		err                error
	}{
		{"OK", "type " + typedText + press(idOK), typedText, nil},
		{"Enter", "type " + typedText + enter, typedText, nil},
		{"cancelled", "type secret" + press(idCancel), "", ErrNoAnswer},
		{"Escape", "type secret" + escape, "", ErrNoAnswer},
		{"empty", press(idOK), "", ErrEmpty},
		{"longest", "type " + long + press(idOK), long, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			saw := driven(t, tt.orders, func(p *Prompter) {
				answer, err := p.Secret(t.Context(), "Key of \x1b]0;root\x07ラップトップ & co: ")
				if string(answer) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("got %q, %v", answer, err)
				}
			})
			if want := "title \"kagiban\" text \"Key of ラップトップ & co:\"\nmasked true\n"; strings.ReplaceAll(saw, "\r", "") != want {
				t.Errorf("it saw %q, want %q", saw, want)
			}
		})
	}
	saw := driven(t, "type "+strings.Repeat("鍵", maxAnswer/3+1)+press(idOK), func(p *Prompter) {
		if answer, err := p.Secret(t.Context(), "?"); err == nil || answer != nil {
			t.Errorf("too long: %q, %v", answer, err)
		}
	})
	if !strings.Contains(saw, "masked true") {
		t.Errorf("it saw %q", saw)
	}
}

func TestDialogConfirm(t *testing.T) {
	for orders, want := range map[string]bool{
		press(idAllow): true, press(idCancel): false,
		enter: false, escape: false, // what somebody types at that moment allows nothing
		"\nkey 32": false, // VK_SPACE
	} {
		saw := driven(t, orders, func(p *Prompter) {
			if yes, err := p.Confirm(t.Context(), "ssh wants to use key desk. Allow it? (y/N) "); yes != want || err != nil {
				t.Errorf("%q: %v, %v", orders, yes, err)
			}
		})
		if !strings.Contains(saw, `text "ssh wants to use key desk. Allow it?"`) {
			t.Errorf("%q: it saw %q", orders, saw)
		}
	}
}

// TestDialogApprove: a button for each answer; what somebody types elsewhere allows nothing, and what is not offered is not there.
func TestDialogApprove(t *testing.T) {
	long, locked := Consent{Yes: true, For: 10 * time.Minute}, Consent{Yes: true, UntilLocked: true}
	offered := Approval{About: "log in to vps1\nwith key desk", Ask: "Allow it?", Answers: "(y, 10m, lock, N)", Offer: 10 * time.Minute, AskPlain: "Allow it until Monday?", Plain: locked}
	once1 := Approval{About: offered.About, Ask: offered.Ask, Plain: once}
	for _, tt := range []struct {
		a      Approval
		orders string
		want   Consent
	}{
		{offered, press(idAllow), once}, {offered, press(idFor), long}, {offered, press(idLocked), locked}, {offered, press(idCancel), Consent{}},
		{offered, enter, Consent{}}, {offered, escape, Consent{}}, {offered, "\nkey 32", Consent{}},
		{once1, press(idAllow), once}, {once1, press(idFor) + press(idLocked) + press(idCancel), Consent{}},
	} {
		saw := driven(t, tt.orders, func(p *Prompter) {
			if got, err := p.Approve(t.Context(), tt.a); got != tt.want || err != nil {
				t.Errorf("%q: %+v, %v; want %+v", tt.orders, got, err, tt.want)
			}
		})
		if !strings.Contains(strings.ReplaceAll(saw, `\r`, ""), `text "log in to vps1\nwith key desk\nAllow it?"`) {
			t.Errorf("%q: it saw %q", tt.orders, saw)
		}
	}
}

// TestDialogEndsWithContext: a question that nobody waits for is taken away.
func TestDialogEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := New(func(string) string { return "" })
	p.tty = ""
	go func() {
		if dialogOf(uint32(os.Getpid())) == 0 {
			t.Error("no dialog")
		}
		cancel()
	}()
	if answer, err := p.Secret(ctx, "?"); answer != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", answer, err)
	}
	if answer, err := p.Secret(ctx, "?"); answer != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("asked afterwards: %q, %v", answer, err)
	}
	p.Notify(ctx, "touch it") // returns
}

// TestDialogUnseen: in a window station that is shown nowhere, as a login by ssh and a service have it, nobody is waited for.
func TestDialogUnseen(t *testing.T) {
	const everything = 0x37F // WINSTA_ALL_ACCESS
	seen, _, _ := processStation.Call()
	unseen, _, err := user32.NewProc("CreateWindowStationW").Call(0, 0, everything, 0)
	enter := user32.NewProc("SetProcessWindowStation")
	if ok, _, entering := enter.Call(unseen); unseen == 0 || ok == 0 {
		t.Fatal(err, entering)
	}
	defer func() {
		enter.Call(seen)
		user32.NewProc("CloseWindowStation").Call(unseen)
	}()
	p := New(func(string) string { return "" })
	p.tty = ""
	if p.CanAsk() {
		t.Fatalf("it would ask in way %d", p.way())
	}
	if answer, err := p.Secret(t.Context(), "?"); answer != nil || !errors.Is(err, ErrCannotAsk) {
		t.Errorf("got %q, %v", answer, err)
	}
	enter.Call(seen)
	if p.way() != byDialog {
		t.Errorf("back again it asks in way %d", p.way())
	}
}

// TestDialogWhen: not where somebody said that nobody is there, and never for who asks at a terminal alone.
func TestDialogWhen(t *testing.T) {
	never := New(func(name string) string { return map[string]string{"SSH_ASKPASS_REQUIRE": "never"}[name] })
	never.tty = ""
	for _, p := range []*Prompter{never, {getenv: never.getenv}, NewAskpass(func(string) string { return "" })} {
		if p.CanAsk() {
			t.Errorf("it would ask in way %d", p.way())
		}
	}
}
