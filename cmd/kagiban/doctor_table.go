package main

import "kagiban/cmd/internal/say"

// check is one thing that doctor looks at.
type check struct {
	id    say.ID                        // what is said of it, and the command that mends it
	finds func(*patient) []say.Fields   // one for each that is wrong, with what the sentence needs
	mend  func(fields say.Fields) error // where it is safe to do unasked, and can lose nothing; else nil
}

// checks are doctor's rows, in the order in which to mend things. A new one is a line here, its sentence in package say, and its row
// in TestDoctor.
func checks() []check {
	return append([]check{
		{say.NotYours, othersFiles, nil},
		{say.FolderUnfit, unfitFolders, closeFolder},
		{say.FileOpen, openFiles, closeFile},
		{say.KeyUnreadable, unreadableKeys, makeReadable},
		{say.KeyFileDamaged, damagedKeys, nil},
		{say.BookDamaged, damagedBook, nil},
		{say.TieUnfit, unfitTies, nil},
		{say.TieOfNoKey, tiesOfNoKey, nil},
		{say.LeftBehind, leftBehind, cleanUp},
		{say.ServiceOutdated, outdatedService, nil},
		{say.ServiceIdle, idleService, nil},
		{say.AgentNotRunning, noAgent, nil},
		{say.AgentOutdated, outdatedAgent, nil},
		{say.SocketUnset, noSocket, nil},
		{say.SocketElsewhere, otherSocket, nil},
		{say.AgentLocked, sealedAgent, nil},
		{say.NoWayToAsk, noWayToAsk, nil},
		{say.NarrowShut, shutSockets, nil},
		{say.NarrowStale, staleSockets, nil},
		{say.LockUnheard, unheardLocks, nil},
		{say.LockSettingsOld, oldLockSettings, nil},
	}, systemChecks()...)
}
