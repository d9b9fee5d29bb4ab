package main

// processLives is asked only where a service manager holds the sockets, and Windows has none that does.
func processLives(int) bool { return false }
