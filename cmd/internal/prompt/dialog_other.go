//go:build !windows

package prompt

import "context"

// The same names as in dialog_windows.go: elsewhere a pinentry shows dialogs.

func haveDesktop() bool { return false }

func (b box) show(context.Context) (pressed int, answer []byte, err error) { return 0, nil, errDialog }
