package main

import "github.com/urfave/cli/v2"

func agentCommand(p *program) *cli.Command {
	return group("agent", "the program that holds unlocked keys and signs with them",
		agentRunCommand(p), agentStartCommand(p), agentStopCommand(p), agentPromptHereCommand(p), agentSocketCommand(p), agentPipeStdioCommand(p))
}
