package prompt

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32            = windows.NewLazySystemDLL("user32.dll")
	dialogBox         = user32.NewProc("DialogBoxIndirectParamW")
	endDialog         = user32.NewProc("EndDialog")
	dlgItem           = user32.NewProc("GetDlgItem")
	sendMessage       = user32.NewProc("SendMessageW")
	postMessage       = user32.NewProc("PostMessageW")
	processStation    = user32.NewProc("GetProcessWindowStation")
	objectInformation = user32.NewProc("GetUserObjectInformationW")
)

// haveDesktop tells whether windows of ours would be seen: a service and a login by ssh have a window station that is shown nowhere
// (GetUserObjectInformation, USEROBJECTFLAGS).
func haveDesktop() bool {
	station, _, _ := processStation.Call()
	var flags struct {
		inherit, reserved int32
		flags             uint32
	}
	const uoiFlags, wsfVisible = 1, 1
	ok, _, _ := objectInformation.Call(station, uoiFlags, uintptr(unsafe.Pointer(&flags)), unsafe.Sizeof(flags), 0)
	return station != 0 && ok != 0 && flags.flags&wsfVisible != 0
}

// shown is a dialog while it is to be seen. All but ctx belongs to its thread.
type shown struct {
	ctx     context.Context
	unwatch func() bool
	answer  []byte
	err     error
}

// Windows calls one function for all dialogs: there is no end to how many are shown in the life of an agent, and few functions that it
// can call (windows.NewCallback). It finds the dialog by the number that it was begun with, and then by its window.
var (
	dialogFunction = sync.OnceValue(func() uintptr { return windows.NewCallback(dialogMessage) })
	dialogs        sync.Map // uintptr: *shown
	dialogNumber   atomic.Uintptr
)

// show shows the dialog until a button is pressed, which it gives, with what was typed; or until ctx ends. The dialog has a thread of
// its own, which ends with it: a window belongs to the thread that made it, and nobody else is to wait for this one.
func (b box) show(ctx context.Context) (pressed int, answer []byte, err error) {
	s := &shown{ctx: ctx}
	over := make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread() // and never unlocked
		pressed, err = s.run(b.template())
	}()
	<-over
	if ctx.Err() != nil {
		clear(s.answer)
		return 0, nil, ctx.Err()
	}
	if err == nil {
		err = s.err
	}
	if err != nil {
		clear(s.answer)
		return 0, nil, err
	}
	return pressed, s.answer, nil
}

func (s *shown) run(template []byte) (pressed int, err error) {
	number := dialogNumber.Add(1)
	dialogs.Store(number, s)
	defer dialogs.Delete(number)
	r, _, err := dialogBox.Call(0, uintptr(unsafe.Pointer(&template[0])), 0, dialogFunction(), number)
	if pressed := int32(r); pressed > 0 {
		return int(pressed), nil
	}
	return 0, fmt.Errorf("%w: %w: %w", ErrCannotAsk, errDialog, err)
}

// Messages (winuser.h).
const (
	wmDestroy    = 0x0002
	wmSetText    = 0x000C
	wmGetText    = 0x000D
	wmTextLength = 0x000E
	wmInitDialog = 0x0110
	wmCommand    = 0x0111
	emLimitText  = 0x00C5
)

// dialogMessage is what Windows calls, on the dialog's thread. It returns 1 for what it has dealt with.
func dialogMessage(window, message, w, l uintptr) uintptr {
	if message == wmInitDialog {
		s, _ := dialogs.Load(l)
		dialogs.Store(window, s)
		return s.(*shown).begin(window)
	}
	found, ok := dialogs.Load(window)
	if !ok {
		return 0 // before it begins
	}
	s := found.(*shown)
	switch message {
	case wmDestroy:
		s.unwatch()
		dialogs.Delete(window)
		return 0
	case wmCommand:
		button := int(w & 0xFFFF)
		switch button {
		case idOK:
			s.answer, s.err = typed(window)
		case idCancel, idAllow, idFor, idLocked:
			wipe(window)
		default:
			return 0
		}
		endDialog.Call(window, uintptr(button))
		return 1
	}
	return 0
}

// begin says how much may be typed, and has the end of the context press Cancel.
func (s *shown) begin(window uintptr) uintptr {
	if edit, _, _ := dlgItem.Call(window, idEdit); edit != 0 {
		sendMessage.Call(edit, emLimitText, maxAnswer, 0)
	}
	s.unwatch = context.AfterFunc(s.ctx, func() { postMessage.Call(window, wmCommand, idCancel, 0) })
	return 1 // the keyboard goes to the first thing that takes it
}

// typed is what stands in the dialog's field, and wipes it there.
func typed(window uintptr) ([]byte, error) {
	edit, _, _ := dlgItem.Call(window, idEdit)
	if edit == 0 {
		return nil, nil
	}
	n, _, _ := sendMessage.Call(edit, wmTextLength, 0, 0)
	text := make([]uint16, n+1)
	n, _, _ = sendMessage.Call(edit, wmGetText, uintptr(len(text)), uintptr(unsafe.Pointer(&text[0])))
	wipe(window)
	answer := make([]byte, 0, 3*n) // no unit of UTF-16 is more in UTF-8
	for i := 0; i < int(n); i++ {
		r := rune(text[i])
		if utf16.IsSurrogate(r) && i+1 < int(n) {
			if r = utf16.DecodeRune(r, rune(text[i+1])); r != utf8.RuneError {
				i++
			}
		}
		answer = utf8.AppendRune(answer, r)
	}
	clear(text)
	if len(answer) > maxAnswer {
		clear(answer)
		return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	return answer, nil
}

// wipe writes over the text in the dialog's field, as far as that reaches what Windows keeps of it.
func wipe(window uintptr) {
	edit, _, _ := dlgItem.Call(window, idEdit)
	if edit == 0 {
		return
	}
	n, _, _ := sendMessage.Call(edit, wmTextLength, 0, 0)
	over := make([]uint16, n+1)
	for i := range n {
		over[i] = '*'
	}
	sendMessage.Call(edit, wmSetText, 0, uintptr(unsafe.Pointer(&over[0])))
	over[0] = 0
	sendMessage.Call(edit, wmSetText, 0, uintptr(unsafe.Pointer(&over[0])))
}
