package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// schema is the version of every JSON object that kagiban writes.
const schema = 1

// jsonFlag is --json, for commands that read.
func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "write JSON for scripts"}
}

// writeJSON writes v, a struct, as one line that begins with the schema. Lists
// are never null. A field that may be absent is a pointer: see utc and some.
func writeJSON(w io.Writer, v any) error {
	in := reflect.ValueOf(v)
	if in.Kind() != reflect.Struct {
		return fmt.Errorf("json: %T is no struct", v)
	}
	out := reflect.New(in.Type()).Elem()
	out.Set(in)
	fillLists(out)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out.Interface()); err != nil {
		return err
	}
	body := bytes.TrimPrefix(buf.Bytes(), []byte("{"))
	head := fmt.Sprintf(`{"schema":%d`, schema)
	if !bytes.HasPrefix(body, []byte("}")) {
		head += ","
	}
	_, err := w.Write(escaped(append([]byte(head), body...)))
	return err
}

// escaped is JSON that does nothing to a terminal: control, format and bidirectional characters, which can stand in its strings alone, are escaped there.
// Scripts read the same.
func escaped(text []byte) []byte {
	if !bytes.ContainsFunc(text, isUnseen) {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		if !isUnseen(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

func isUnseen(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// fillLists makes empty lists of absent ones, at any depth.
func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fillLists(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fillLists(v.Elem())
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	}
}

// utc is a time as scripts read it, RFC 3339 in UTC to the second; the zero time is null.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// some is a string that is null when it is empty.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
