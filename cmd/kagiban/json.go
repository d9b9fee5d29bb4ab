package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

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
	_, err := w.Write(append([]byte(head), body...))
	return err
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
