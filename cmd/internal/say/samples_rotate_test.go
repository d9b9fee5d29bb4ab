package say

import (
	"context"
	"errors"

	"kagiban/hostsetup"
)

func rotateSamples() []sample {
	down := &hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("no route to host")}
	return []sample{
		{&hostsetup.RotateError{Err: down}, RotateNotIn},
		{&hostsetup.RotateError{Err: &hostsetup.LoginError{Account: "me@vps1"}}, RotateRefused},
		{&hostsetup.RotateError{Err: &hostsetup.LoginError{Account: "me@vps1", Offered: []string{"publickey"}}}, RotateRefused},
		{&hostsetup.RotateError{Err: &hostsetup.KeyRefusedError{Account: "me@vps1", File: "/home/me/.ssh/authorized_keys", Err: &hostsetup.LoginError{}}}, RotateNotIn},
		{&hostsetup.RotateError{In: true, Err: down}, RotateOldOn},
		{&hostsetup.RotateError{In: true, Err: errors.Join(context.Canceled, hostsetup.ErrCutOff)}, RotateCut},
	}
}
