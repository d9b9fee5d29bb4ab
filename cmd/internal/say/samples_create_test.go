package say

import (
	"kagiban/hostsetup"
)

func createSamples() []sample {
	return []sample{
		{&hostsetup.RootOpenError{Account: "root@vps1", By: "the key that opened it does"}, RootOpen},
		{&hostsetup.UserNameError{Name: "-x"}, BadUserName},
		{&hostsetup.UserNameError{Name: "root", System: true}, SystemUserName},
	}
}
