package say

import (
	"errors"

	"kagiban/hostsetup"
	"kagiban/hostsetup/export"
)

func waySamples() []sample {
	return []sample{
		{&hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("connect: connection refused"), Way: &hostsetup.Way{Jump: "me@gate:2222"}}, NoWay},
		{&hostsetup.UnreachableError{Address: "[2001:db8::1]:22", Err: errors.New("nc: not found"), Way: &hostsetup.Way{Asked: "behind"}}, NoWay},
		{&export.UnfitError{Host: "vps1", What: "user", Value: "a b"}, ExportUnfit},
		{Fail(ExportOtherKey, nil, "key", "laptop", "fingerprint", "SHA256:x"), ExportOtherKey},
		{Fail(BadAccount, nil, "name", "a b"), BadAccount},
		{Fail(WayUnkept, nil, "host", "vps1", "asked", "behind"), WayUnkept},
	}
}
