package say

import (
	"context"
	"errors"

	"kagiban/hostsetup"
)

func revokeSamples() []sample {
	door := hostsetup.Problem{ID: "door-command", About: map[string]string{"where": "/etc/ssh/sshd_config:3", "value": "/usr/bin/keys"}}
	return []sample{
		{&hostsetup.KeyInUseError{Host: "vps1", Key: "laptop", Fingerprint: "SHA256:x"}, KeyInUse},
		{&hostsetup.StaysRefusedError{Account: "me@vps1", Key: "laptop", Err: &hostsetup.LoginError{Account: "me@vps1", Offered: []string{"publickey"}}}, OwnKeyShut},
		{&hostsetup.StaysRefusedError{Account: "me@vps1", Key: "laptop", Err: errors.New("EOF")}, OwnKeyRefused},
		{&hostsetup.LastKeyError{Losing: []hostsetup.Other{{Name: "bob", Why: "it has no other key"}}}, LastKey},
		{&hostsetup.HalfRevokedError{Files: []string{"/root/.ssh/authorized_keys"}, Err: &hostsetup.Failure{What: "write", Detail: "/root/.ssh/x"}}, HalfRevoked},
		{&hostsetup.HalfRevokedError{Err: hostsetup.ErrCutOff}, HalfRevoked},
		{&hostsetup.HalfRevokedError{Files: []string{"/root/.ssh/authorized_keys"}, Err: &hostsetup.StaysRefusedError{Account: "me@vps1", Key: "laptop", Err: errors.New("EOF")}}, HalfRevoked},
		{&hostsetup.HalfRevokedError{Files: []string{"/root/.ssh/authorized_keys"}, Err: context.Canceled}, HalfByPerson},
		{&hostsetup.StillTakenError{Account: "me@vps1", Fingerprint: "SHA256:x", Doors: []hostsetup.Problem{door}, Unseen: []string{"bob: /home/bob cannot be read"}}, StillTaken},
		{&hostsetup.StillTakenError{Account: "me@vps1", Fingerprint: "SHA256:x"}, StillTaken},
	}
}
