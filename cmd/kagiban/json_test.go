package main

import (
	"bytes"
	"testing"
	"time"
)

func TestWriteJSON(t *testing.T) {
	type inner struct {
		Tied  []string   `json:"tied"`
		Until *time.Time `json:"until"`
	}
	type outer struct {
		Name  string   `json:"name"`
		Keys  []inner  `json:"keys"`
		Next  []string `json:"next"`
		Agent *inner   `json:"agent"`
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("JST", 9*3600))
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"nothing", struct{}{}, `{"schema":1}`},
		{"empty", outer{}, `{"schema":1,"name":"","keys":[],"next":[],"agent":null}`},
		{"what a terminal would act on", outer{Name: "\u009b31m\u202e\x7f\U000e0041é"}, `{"schema":1,"name":"\u009b31m\u202e\u007f\udb40\udc41é","keys":[],"next":[],"agent":null}`},
		{"lists inside", outer{Name: "<a&b>", Keys: []inner{{Until: utc(at)}}, Agent: &inner{Until: utc(time.Time{})}},
			`{"schema":1,"name":"<a&b>","keys":[{"tied":[],"until":"2026-01-01T18:04:05Z"}],"next":[],"agent":{"tied":[],"until":null}}`},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if err := writeJSON(&out, tt.v); err != nil || out.String() != tt.want+"\n" {
			t.Errorf("%s: %v\ngot  %swant %s", tt.name, err, out.String(), tt.want)
		}
	}
	if err := writeJSON(new(bytes.Buffer), []string{"x"}); err == nil {
		t.Error("a list was written without a schema")
	}
}
