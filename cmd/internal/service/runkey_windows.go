package service

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows/registry"
)

// The same names as in runkey_other.go.

func runKeyReady() error { return nil }

func readRunKey() (string, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKeyPath, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer key.Close()
	text, _, err := key.GetStringValue(runKeyName)
	if errors.Is(err, registry.ErrNotExist) {
		return "", fs.ErrNotExist
	}
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

func removeRunKey() error {
	key, err := registry.OpenKey(registry.CURRENT_USER, runKeyPath, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer key.Close()
	if err := key.DeleteValue(runKeyName); !errors.Is(err, registry.ErrNotExist) {
		return err
	}
	return nil
}
