package main

import "github.com/rogpeppe/go-internal/testscript"

// dialog needs a pseudo terminal, which no test has on Windows.
func dialog(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("no dialogs on Windows") }
