package say

import (
	"kagiban/hostsetup"
)

func createSamples() []sample {
	return []sample{
		{&hostsetup.UserNameError{Name: "-x"}, BadUserName},
		{&hostsetup.UserNameError{Name: "root", System: true}, SystemUserName},
	}
}
