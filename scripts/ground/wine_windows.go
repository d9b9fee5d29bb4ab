package ground

import "golang.org/x/sys/windows"

// Wine tells whether wine plays Windows: its ntdll has a function that Windows has not.
func Wine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
