//go:build !unix

package main

import "errors"

// beginWiping can only say whether this process began so: `kagiban agent start` begins it so.
func beginWiping() error {
	if wipes() {
		return nil
	}
	return errors.New("freed memory is not overwritten, for the agent was not started by `kagiban agent start`")
}
