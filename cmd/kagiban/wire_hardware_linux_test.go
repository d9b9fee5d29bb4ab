package main

import (
	"errors"
	"strings"
	"testing"

	"kagiban/agent"
	"kagiban/agent/helper"
)

// tokenStory uses a PKCS#11 token by way of $A, an ssh-agent.
const tokenStory = `
export SOFTHSM2_CONF=$PWD/conf SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
so=/usr/lib/softhsm/libsofthsm2.so
mkdir tokens && echo "directories.tokendir = $PWD/tokens" >conf
printf '#!/bin/sh\ncat "$(dirname "$0")/pin"\n' >ask && chmod +x ask
echo 4711 >pin
softhsm2-util --init-token --free --label t --pin 4711 --so-pin 12345678 >/dev/null
for key in "rsa:2048 01" "EC:prime256v1 02"; do
  pkcs11-tool --module $so --login --pin 4711 --keypairgen --key-type ${key% *} --id ${key#* } --label "key ${key#* }" --usage-sign >/dev/null 2>&1
done
cat >inside <<'END'
so=/usr/lib/softhsm/libsofthsm2.so
echo 0815 >pin; ssh-add -s $so; echo "a wrong PIN: $?"
echo 4711 >pin; ssh-add -s $so; echo "added: $?"
ssh-add -L >all; cut -d' ' -f1,3- all | sort
while read -r key; do
  echo "$key" >key.pub
  ssh-add -T key.pub; echo "used: $?"
  echo text | ssh-keygen -q -Y sign -n file -f key.pub >text.sig 2>/dev/null
  echo "me $key" >signers
  echo text | ssh-keygen -q -Y verify -f signers -I me -n file -s text.sig; echo "signed: $?"
done <all
ssh-add -e $so; echo "removed: $?"
ssh-add -l
cp -L $so elsewhere.so; ssh-add -s $PWD/elsewhere.so; echo "from elsewhere: $?"
END
$A sh inside 2>&1
echo "allowed:"
$A -P "$PWD/*" sh -c 'ssh-add -s $PWD/elsewhere.so; ssh-add -l | wc -l' 2>&1
`

// TestSSHAgentWithToken: what is said and done with a token is what OpenSSH's agent
// does with it.
func TestSSHAgentWithToken(t *testing.T) {
	agents := sshAgents(t)
	want := story(t, agents["OpenSSH's"], tokenStory)
	if strings.Count(want, "signed: 0") != 2 {
		t.Fatalf("OpenSSH's agent has no two keys of it:\n%s", want)
	}
	if got := story(t, agents["ours"], tokenStory); got != want {
		t.Errorf("ours:\n%s\nand not:\n%s", got, want)
	}
}

func TestHardwareErrorsAreTheAgentsToo(t *testing.T) {
	for theirs, ours := range map[error]error{helper.ErrNeedPIN: agent.ErrNeedPIN, helper.ErrNotAllowed: agent.ErrProvider, helper.ErrNoHelper: helper.ErrNoHelper} {
		if err := hardwareError(theirs); !errors.Is(err, ours) || !errors.Is(err, theirs) {
			t.Errorf("%v becomes %v", theirs, err)
		}
	}
	if err := hardwareError(nil); err != nil {
		t.Error(err)
	}
}
