package service

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows/registry"
)

// approvedPath is where the Task Manager keeps which values of the Run key the person has turned off: the first byte is odd then. That is not
// documented anywhere.
const approvedPath = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`

// The same names as in runkey_other.go.

func runKeyReady() error { return nil }

func readRunKey() (string, error) {
	text, err := userValue(runKeyPath, runKeyName)
	if errors.Is(err, registry.ErrNotExist) {
		return "", fs.ErrNotExist
	}
	return text, err
}

// userValue is a text in the registry of this user.
func userValue(path, name string) (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer key.Close()
	text, _, err := key.GetStringValue(name)
	return text, err
}

func writeRunKey(text string) error {
	key, _, err := registry.CreateKey(registry.CURRENT_USER, runKeyPath, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer key.Close()
	return key.SetStringValue(runKeyName, text)
}

func removeRunKey() error { return removeUserValue(runKeyPath, runKeyName) }

// removeUserValue does nothing if there is none.
func removeUserValue(path, name string) error {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err == nil {
		defer key.Close()
		err = key.DeleteValue(name)
	}
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	return err
}

// turnedOff says that the person has turned it off in the Task Manager.
func turnedOff() (bool, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, approvedPath, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer key.Close()
	word, _, err := key.GetBinaryValue(runKeyName)
	if errors.Is(err, registry.ErrNotExist) || errors.Is(err, registry.ErrUnexpectedType) {
		return false, nil
	}
	return err == nil && len(word) > 0 && word[0]&1 == 1, err
}

// turnOn takes that back: it is asked for again.
func turnOn() error {
	if off, err := turnedOff(); err != nil || !off {
		return err
	}
	return removeUserValue(approvedPath, runKeyName)
}

// AtLogin is the value that an environment variable has when the user logs in to Windows, and "" where there is none.
func AtLogin(name string) string {
	text, err := userValue("Environment", name)
	if err != nil {
		return ""
	}
	if whole, err := registry.ExpandString(text); err == nil {
		return whole
	}
	return text
}
