package say

// Messages of commands over many servers.
const (
	BadParallel  ID = "bad-parallel"
	AskPlanMany  ID = "ask-plan-many"
	HostEnded    ID = "host-ended"
	HostNotBegun ID = "host-not-begun"
	BoardBegun   ID = "board-begun"
	BoardSum     ID = "board-sum"
)

func fleetTable() map[ID]Message {
	return map[ID]Message{
		BadParallel:  {What: "--parallel is 1 to {max}, not {value}", Next: "kagiban host add --help"},
		AskPlanMany:  {What: "go on with {host}? (y/N, or all: with this and all that follow)"},
		HostEnded:    {What: "{host}: {result} (exit {exit})"},
		HostNotBegun: {What: "{host}: not begun"},
		BoardBegun:   {What: "connecting"},
		BoardSum:     {What: "{all} hosts: {done} done, {failed} failed, {busy} under way, {waiting} waiting"},
	}
}
