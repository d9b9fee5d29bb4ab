package main

import "io/fs"

// The same names as in doctor_unix.go. Modes say nothing on Windows: see doctor_access_windows.go.

func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }
