package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/service"
)

func serviceCommand(p *program) *cli.Command {
	return group("service", "the agent, started at login",
		serviceInstallCommand(p), serviceUninstallCommand(p), serviceStatusCommand(p), servicePrintCommand(p))
}

// forceFlag is for files that somebody changed by hand.
func forceFlag() cli.Flag {
	return &cli.BoolFlag{Name: "force", Usage: "also where a file was changed by hand: it is lost"}
}

// service is what starts the agent of this home at login.
func (p *program) service() (*service.Service, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	if err := h.CheckSockets(); err != nil {
		return nil, err
	}
	spec := service.Spec{Agent: h.AgentSocket(), Control: h.ControlSocket(), Config: p.settingsFolder()}
	if spec.Program, err = programPath(); err != nil {
		return nil, err
	}
	spec.Program = windowless(spec.Program)
	if me, err := user.Current(); err == nil {
		spec.User = me.Username
	}
	if dir := p.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		spec.Runtime = filepath.Clean(dir)
	}
	if dir := p.getenv("KAGIBAN_HOME"); dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		spec.Env = []string{"KAGIBAN_HOME=" + dir}
	} else {
		for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} {
			if dir := p.getenv(name); filepath.IsAbs(dir) { // else home does not follow it either
				spec.Env = append(spec.Env, name+"="+dir)
			}
		}
	}
	return service.For(runtime.GOOS, spec)
}

// settingsFolder is where the system looks for what the user has it start.
func (p *program) settingsFolder() string {
	home := p.getenv("HOME")
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library")
	}
	if dir := p.getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home, ".config")
}

// programPath is this program by the name that PATH has for it, if it has one: a link stays where it is when the next version comes.
func programPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	named, err := exec.LookPath("kagiban")
	if err == nil && filepath.IsAbs(named) && isSameFile(named, self) {
		return named, nil
	}
	return self, nil
}

func isSameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
