package prompt

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// readTemplate reads a template as Windows would; it fails where that would read beyond its end or at an odd place.
func readTemplate(t *testing.T, data []byte) (title, font string, height int, items []item) {
	t.Helper()
	at := 0
	word := func() int {
		if at+2 > len(data) {
			t.Fatalf("it ends at %d", len(data))
		}
		at += 2
		return int(binary.LittleEndian.Uint16(data[at-2:]))
	}
	long := func() uint32 { low := word(); return uint32(low) | uint32(word())<<16 }
	text := func() string {
		var units []uint16
		for u := word(); u != 0; u = word() {
			units = append(units, uint16(u))
		}
		return string(utf16.Decode(units))
	}
	if style := long(); style&dsSetFont == 0 || style&wsPopup == 0 || long() != wsExTopmost {
		t.Errorf("style %#x", style)
	}
	count := word()
	if x, y, w := word(), word(), word(); x != 0 || y != 0 || w != boxWidth {
		t.Errorf("it is at %d, %d, and %d wide", x, y, w)
	}
	height = word()
	if menu, class := word(), word(); menu != 0 || class != 0 {
		t.Errorf("menu %d, class %d", menu, class)
	}
	title = text()
	word()
	font = text()
	for range count {
		for ; at%4 != 0; at++ {
			if data[at] != 0 {
				t.Errorf("byte %d is %d", at, data[at])
			}
		}
		var i item
		i.style = long()
		if i.style&(wsChild|wsVisible) != wsChild|wsVisible || long() != 0 {
			t.Errorf("style %#x", i.style)
		}
		i.style &^= wsChild | wsVisible
		i.x, i.y, i.w, i.h, i.id = word(), word(), word(), word(), uint16(word())
		if word() != 0xFFFF {
			t.Error("a class by name")
		}
		i.class, i.text = uint16(word()), text()
		if word() != 0 {
			t.Error("something to make it with")
		}
		items = append(items, i)
	}
	if at != len(data) {
		t.Errorf("%d bytes follow", len(data)-at)
	}
	return title, font, height, items
}

func TestTemplate(t *testing.T) {
	const question = "鍵番 wants to use key ラップトップ & co\nIts passphrase:"
	for kind, want := range map[kind][]uint16{
		kindSecret:  {idText, idEdit, idOK, idCancel},
		kindConfirm: {idText, idCancel, idAllow}, // no comes first: it has the keyboard
		kindNotice:  {idText, idCancel},
		kindApprove: {idText, idCancel, idAllow, idFor, idLocked},
	} {
		title, font, height, items := readTemplate(t, box{kind, " " + question + "\x1b[31m\u202e ", 90 * time.Minute}.template())
		if title != dialogTitle || font == "" || len(items) != len(want) {
			t.Fatalf("kind %d: title %q, font %q, %d items", kind, title, font, len(items))
		}
		defaults := 0
		for n, i := range items {
			if i.id != want[n] {
				t.Errorf("kind %d: item %d is %d, want %d", kind, n, i.id, want[n])
			}
			if i.x < 0 || i.y < 0 || i.x+i.w > boxWidth || i.y+i.h > height || i.w <= 0 || i.h <= 0 {
				t.Errorf("kind %d: item %d is outside: %+v of %d", kind, n, i, height)
			}
			for _, j := range items[:n] {
				if i.x < j.x+j.w && j.x < i.x+i.w && i.y < j.y+j.h && j.y < i.y+i.h {
					t.Errorf("kind %d: %+v lies over %+v", kind, i, j)
				}
			}
			if i.class == classButton && i.style&bsDefPushButton != 0 {
				defaults++
				if (kind == kindConfirm || kind == kindApprove) && i.id != idCancel {
					t.Error("Enter allows it")
				}
			}
			if masked := i.style&esPassword != 0; i.id == idEdit && masked != (kind == kindSecret) {
				t.Errorf("kind %d: masked %v", kind, masked)
			}
		}
		if defaults != 1 {
			t.Errorf("kind %d: %d buttons are pressed by Enter", kind, defaults)
		}
		if got, want := items[0].text, strings.ReplaceAll(question, "\n", "\r\n"); got != want || items[0].style&ssNoPrefix == 0 {
			t.Errorf("kind %d: the text is %q, want %q", kind, got, want)
		}
	}
}

// TestTemplateHoldsItsText: the dialog grows with its text, and has an end.
func TestTemplateHoldsItsText(t *testing.T) {
	for text, want := range map[string]int{
		"": 1, "short": 1, "one\ntwo": 2,
		strings.Repeat("x", 52):     1,
		strings.Repeat("word ", 21): 4, // 105 columns of 52, and one more for what is broken at its end
		strings.Repeat("鍵", 52):     3, // twice as wide
		strings.Repeat("x", 1e5):    maxLines,
		strings.Repeat("\n", 1e3):   maxLines,
	} {
		if got := lines(text, boxWidth-2*boxMargin); got != want {
			t.Errorf("%.20q of %d: %d lines, want %d", text, len(text), got, want)
		}
	}
	_, _, height, _ := readTemplate(t, box{kindConfirm, strings.Repeat("x", 1e5), 0}.template())
	if height > 400 {
		t.Errorf("it is %d high", height)
	}
}

// TestDialogConsent: what each button means, and that only what is there means anything.
func TestDialogConsent(t *testing.T) {
	long := Consent{Yes: true, For: time.Hour}
	for _, tt := range []struct {
		b       box
		pressed int
		want    Consent
	}{
		{box{kind: kindApprove, offer: time.Hour}, idAllow, once},
		{box{kind: kindApprove, offer: time.Hour}, idFor, long},
		{box{kind: kindApprove, offer: time.Hour}, idLocked, Consent{Yes: true, UntilLocked: true}},
		{box{kind: kindApprove, offer: time.Hour}, idCancel, Consent{}},
		{box{kind: kindApprove, offer: time.Hour}, idOK, Consent{}},
		{box{kind: kindApprove}, idFor, Consent{}},
		{box{kind: kindConfirm, offer: time.Hour}, idAllow, once},
		{box{kind: kindConfirm, offer: time.Hour}, idFor, Consent{}},
		{box{kind: kindConfirm, offer: time.Hour}, idLocked, Consent{}},
	} {
		if got := tt.b.consent(tt.pressed); got != tt.want {
			t.Errorf("kind %d, button %d: %+v, want %+v", tt.b.kind, tt.pressed, got, tt.want)
		}
	}
	for d, want := range map[time.Duration]string{10 * time.Minute: "10m", 2 * time.Hour: "2h", 90 * time.Minute: "1h30m", 45 * time.Second: "45s"} {
		if got := ShortTime(d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}
