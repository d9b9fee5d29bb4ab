package main

import "io/fs"

// The same names as in doctor_unix.go. Modes say nothing on Windows, where the folder's access list holds for what is in it.

func ownerOf(fs.FileInfo) (uid int, known bool)  { return 0, false }
func othersMay(mode, forbidden fs.FileMode) bool { return false }
