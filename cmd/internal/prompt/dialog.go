package prompt

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf16"
)

// kind is what a dialog wants to know.
type kind int

const (
	kindSecret  kind = iota // a text that is not shown
	kindConfirm             // may it be?
	kindNotice              // nothing
	kindApprove             // may it be, and for how long?
)

// box is a dialog of our own, for a place that has windows and neither a terminal nor another program to ask with: Windows.
type box struct {
	kind  kind
	text  string
	offer time.Duration // of kindApprove: the time that one button stands for
}

// What is in a dialog, by the numbers under which Windows tells of it (winuser.h, IDOK and below; those of the rest are ours).
const (
	idOK     = 1
	idCancel = 2 // also what Escape and closing the window mean
	idAllow  = 6 // IDYES
	idText   = 100
	idEdit   = 101
	idFor    = 102
	idLocked = 103
)

const (
	dialogTitle = "kagiban"
	wordOK      = "OK"
	wordCancel  = "Cancel"
	wordAllow   = "Allow"
	wordOnce    = "Once"
	wordFor     = "For "
	wordLocked  = "Until locked"
	wordRefuse  = "Refuse"
	wordClose   = "Close"
)

// askByDialog asks for a secret and gives it.
func askByDialog(ctx context.Context, question string) ([]byte, error) {
	pressed, answer, err := box{kind: kindSecret, text: question}.show(ctx)
	if err == nil && pressed != idOK {
		clear(answer)
		return nil, ErrNoAnswer
	}
	return answer, err
}

// confirmByDialog asks for yes or no; whatever takes the question away is a no.
func confirmByDialog(ctx context.Context, question string) (bool, error) {
	question = strings.TrimSuffix(strings.TrimSpace(question), "(y/N)") // the buttons say that
	pressed, _, err := box{kind: kindConfirm, text: question}.show(ctx)
	return err == nil && pressed == idAllow, err
}

// consent is what a button of a question of yes or no means.
func (b box) consent(pressed int) Consent {
	switch {
	case pressed == idAllow:
		return once
	case b.kind == kindApprove && pressed == idFor && b.offer > 0:
		return Consent{Yes: true, For: b.offer}
	case b.kind == kindApprove && pressed == idLocked:
		return Consent{Yes: true, UntilLocked: true}
	}
	return Consent{}
}

// errDialog says that a dialog could not be shown at all.
var errDialog = errors.New("no dialog can be shown")

// Styles of windows and of what is in them (winuser.h).
const (
	wsPopup, wsCaption, wsSysMenu                      = 0x80000000, 0x00C00000, 0x00080000
	wsChild, wsVisible, wsBorder, wsTabStop            = 0x40000000, 0x10000000, 0x00800000, 0x00010000
	wsExTopmost                                        = 0x00000008
	dsSetFont, dsModalFrame, dsSetForeground, dsCenter = 0x40, 0x80, 0x200, 0x800
	ssNoPrefix, ssEditControl                          = 0x80, 0x2000 // an ampersand is one; words that are too long are broken
	esPassword, esAutoHScroll                          = 0x20, 0x80
	bsDefPushButton                                    = 0x1
)

// Classes of what is in a dialog (DLGITEMTEMPLATE).
const classButton, classEdit, classStatic = 0x80, 0x81, 0x82

// item is one thing in a dialog; its place is in dialog units.
type item struct {
	id, class  uint16
	style      uint32
	x, y, w, h int
	text       string
}

// Sizes in dialog units: a quarter of the width of a character, an eighth of its height.
const (
	boxWidth, boxMargin    = 280, 8 // four buttons fit beside each other
	lineHeight             = 8
	editHeight             = 14
	buttonWidth, buttonGap = 56, 6
	maxLines               = 40
)

// items are what is in the dialog, in the order in which the Tab key goes through them: the first that it stops at has the keyboard. A
// question of yes or no begins with no, so that what somebody is typing somewhere else at that moment allows nothing.
func (b box) items() (items []item, height int) {
	inner := boxWidth - 2*boxMargin
	text := strings.TrimSpace(visible(b.text))
	y := boxMargin
	label := item{idText, classStatic, ssNoPrefix | ssEditControl, boxMargin, y, inner, lineHeight * lines(text, inner), text}
	y += label.h + buttonGap
	items = append(items, label)
	if b.kind == kindSecret {
		items = append(items, item{idEdit, classEdit, wsBorder | wsTabStop | esPassword | esAutoHScroll, boxMargin, y, inner, editHeight, ""})
		y += editHeight + buttonGap
	}
	return append(items, b.buttons(y)...), y + editHeight + boxMargin
}

// buttons are those below what is asked.
func (b box) buttons(y int) (items []item) {
	button := func(id uint16, place int, word string, style uint32) { // places count from the right
		x := boxWidth - boxMargin - buttonWidth - place*(buttonWidth+buttonGap)
		items = append(items, item{id, classButton, wsTabStop | style, x, y, buttonWidth, editHeight, word})
	}
	switch b.kind {
	case kindConfirm:
		button(idCancel, 0, wordRefuse, bsDefPushButton)
		button(idAllow, 1, wordAllow, 0)
	case kindApprove:
		button(idCancel, 0, wordRefuse, bsDefPushButton)
		button(idAllow, 3, wordOnce, 0)
		if b.offer > 0 {
			button(idFor, 2, wordFor+ShortTime(b.offer), 0)
		}
		button(idLocked, 1, wordLocked, 0)
	case kindNotice:
		button(idCancel, 0, wordClose, bsDefPushButton)
	default:
		button(idOK, 1, wordOK, bsDefPushButton)
		button(idCancel, 0, wordCancel, 0)
	}
	return items
}

// lines is how many lines a text takes, rather too many than too few: a letter counts a little more than Windows takes an average one to
// be, and what may be as wide as high counts twice. There is an end to it: no name pushes the buttons off the screen.
func lines(text string, width int) int {
	columns := width / 5
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		taken := 0
		for _, r := range line {
			taken++
			if r >= 0x1100 { // the first of the wide ones (Unicode, EastAsianWidth.txt)
				taken++
			}
		}
		rows := max(1, (taken+columns-1)/columns)
		n += rows + min(rows-1, 1) // a word that does not fit at the end of a line is on the next one
	}
	return min(n, maxLines)
}

// template is the dialog as Windows reads it (winuser.h, DLGTEMPLATE and DLGITEMTEMPLATE): little-endian, texts in UTF-16, each item at
// a multiple of four bytes.
func (b box) template() []byte {
	items, height := b.items()
	var t []byte
	word := func(v int) { t = binary.LittleEndian.AppendUint16(t, uint16(v)) }
	long := func(v uint32) { t = binary.LittleEndian.AppendUint32(t, v) }
	text := func(s string) {
		for _, u := range utf16.Encode([]rune(strings.ReplaceAll(s, "\n", "\r\n"))) {
			word(int(u))
		}
		word(0)
	}
	place := func(x, y, w, h int) { word(x); word(y); word(w); word(h) }
	long(wsPopup | wsCaption | wsSysMenu | dsSetFont | dsModalFrame | dsCenter | dsSetForeground)
	long(wsExTopmost)
	word(len(items))
	place(0, 0, boxWidth, height)
	word(0) // no menu
	word(0) // a dialog's own class
	text(dialogTitle)
	word(9)              // points
	text("MS Shell Dlg") // which has the letters of every language that Windows has
	for _, i := range items {
		for len(t)%4 != 0 {
			t = append(t, 0)
		}
		long(i.style | wsChild | wsVisible)
		long(0)
		place(i.x, i.y, i.w, i.h)
		word(int(i.id))
		word(0xFFFF) // the class is a number
		word(int(i.class))
		text(i.text)
		word(0) // nothing more to make it with
	}
	return t
}
