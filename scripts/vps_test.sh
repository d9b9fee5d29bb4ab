#!/bin/bash
# vps_test.sh [base]: what scripts/vps promises, shown with real logins (or: what vps-base promises, in
# a cache of its own). Root; about a minute. One line per promise; ends with 1 if one does not hold.
# It has a /run and a network of its own, so that nobody else's hosts are touched.
# shellcheck disable=SC2317 # ok calls the functions
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${IN_OWN_RUN:-}" != yes ]; then
  net=--net
  if [ "${1:-}" = base ]; then net=; else "$here/vps-base" >/dev/null; fi # a base comes over the network
  # shellcheck disable=SC2086 # a word or none
  IN_OWN_RUN=yes exec unshare --mount $net --propagation private bash -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"' sh "$0" "$@"
fi
vps=$here/vps
tmp=$(mktemp -d)
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
failed=0
trap '"$vps" down --all; rm -rf "$tmp"' EXIT

ok() { # WORDS, COMMAND...
  local words=$1 rc=0
  shift
  "$@" >"$tmp/out" 2>&1 || rc=$?
  if [ "$rc" = 0 ]; then echo "ok    $words"; else
    echo "FAIL  $words"
    sed 's/^/      /' "$tmp/out"
    failed=1
  fi
}
not() { ! "$@"; }

# soon COMMAND...: it becomes true, within a minute on a busy machine
soon() {
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# shellcheck disable=SC2016 # the script's own word
printf '%s\n' '#!/bin/sh' 'cat "$ASK_FILE"' >"$tmp/ask"
chmod 700 "$tmp/ask"
login() { # NAME USER COMMAND: with the password, through the real client
  local address
  address=$("$vps" list | awk -v n="$1" '$1 == n { print $5 }')
  ASK_FILE=/run/kagiban-vps/$1/password-$2 SSH_ASKPASS=$tmp/ask SSH_ASKPASS_REQUIRE=force \
    ssh -F none -o UserKnownHostsFile="$tmp/known" -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 \
    -o PreferredAuthentications=password -o ConnectTimeout=5 -o LogLevel=ERROR "$2@$address" "$3" </dev/null
}
says() { [ "$(login "$1" "$2" "$3")" = "$4" ]; } # NAME USER COMMAND OUTPUT
sudo_there() { # NAME: sudo asks for the password, and takes it
  local address
  address=$("$vps" list | awk -v n="$1" '$1 == n { print $5 }')
  [ "$(ASK_FILE=/run/kagiban-vps/$1/password-owner SSH_ASKPASS=$tmp/ask SSH_ASKPASS_REQUIRE=force \
    ssh -F none -o UserKnownHostsFile="$tmp/known" -o StrictHostKeyChecking=no -o LogLevel=ERROR \
    "owner@$address" 'sudo -k; sudo -S -p "" id -u' <"/run/kagiban-vps/$1/password-owner")" = 0 ]
}
# clean NAME...: nothing of these hosts is left on this machine
clean() {
  local name left
  for name in "$@"; do
    left=$(
      ls -d "/run/kagiban-vps/$name" 2>/dev/null
      grep -o "/run/kagiban-vps/$name/[^ ]*" /proc/mounts
      ls -d "$groups/kagiban-vps/$name" 2>/dev/null
      pgrep -af "/run/kagiban-vps/$name( |\$)|vps up $name"
    ) || true
    [ -z "$left" ] || { echo "left of $name:"; echo "$left"; return 1; }
  done
}
links() { ip -o link show type veth | grep -o '^[0-9]*: kagiban-[0-9]*'; } # with their index: a name alone may be taken anew
finish() { local p; for p in "$@"; do wait "$p" || return 1; done; }

"$vps" can

if [ "${1:-}" = base ]; then
  export KAGIBAN_CACHE=$tmp
  "$vps" base & p=$!
  ok "a base is built beside" soon sh -c "test -e $tmp/bases/*.new"
  sleep 3
  kill -9 $p
  wait $p 2>/dev/null || true
  ok "a build that is killed leaves no base" not ls -d "$tmp"/bases/bookworm-[0-9]*[0-9]
  "$vps" base >"$tmp/one" & one=$!
  "$vps" base >"$tmp/two" & two=$!
  ok "two builds at once" finish "$one" "$two"
  ok "  are one base" cmp "$tmp/one" "$tmp/two"
  ok "  and nothing else" test "$(find "$tmp/bases" -mindepth 1 -maxdepth 1 -type d)" = "$(cat "$tmp/one")"
  ok "no such base" not "$vps" base nosuch
  VPS_MIRROR=http://127.0.0.1:9/debian "$vps" base trixie 2>"$tmp/words" || true
  ok "a mirror that has it not is told of" grep -q 'does not carry Debian trixie' "$tmp/words"
  ok "  and nothing is left of the try" test "$(find "$tmp/bases" -mindepth 1 -maxdepth 1 -type d)" = "$(cat "$tmp/one")"
  exit "$failed"
fi

"$vps" base >/dev/null

# three at once
cat >"$tmp/hook" <<'EOF'
echo "PasswordAuthentication yes" >/etc/ssh/sshd_config.d/50-cloud-init.conf
printf '\nMatch User %s\n  PasswordAuthentication yes\n' "$VPS_USER" >>/etc/ssh/sshd_config
EOF
"$vps" up t-a >"$tmp/a" & a=$!
"$vps" up t-b init=sysv sudo=nopasswd root=yes >"$tmp/b" & b=$!
"$vps" up t-c sudo=none user=carla hook="$tmp/hook" >"$tmp/c" & c=$!
ok "three hosts at once" finish "$a" "$b" "$c"
ok "one line: address, port, user, password file" grep -Ex '[0-9.]+ 22 owner /run/kagiban-vps/t-a/password-owner' "$tmp/a"
ok "each has its own address" test "$(cut -d ' ' -f 1 "$tmp"/[abc] | sort -u | wc -l)" = 3
ok "the password is 0600" test "$(stat -c %a /run/kagiban-vps/t-a/password-owner)" = 600
ok "password login, systemd" says t-a owner 'whoami; hostname' $'owner\nt-a'
ok "password login, busybox init" says t-b owner 'cat /proc/1/comm' busybox
ok "password login, user=carla" says t-c carla whoami carla
ok "a wrong password is refused" not login t-a root true
ok "root=yes: root by password" says t-b root whoami root
ok "sudo=pass asks and takes the password" sudo_there t-a
ok "sudo=nopasswd" says t-b owner 'sudo -n id -u' 0
ok "sudo=none: no sudo" says t-c carla 'command -v sudo || echo none' none
ok "hook shaped the host" says t-c carla 'cat /etc/ssh/sshd_config.d/50-cloud-init.conf; tail -n 2 /etc/ssh/sshd_config | head -n 1' $'PasswordAuthentication yes\nMatch User carla'
ok "sshd_config is Debian's own" cmp "$("$vps" base)/etc/ssh/sshd_config" <("$vps" exec t-a cat /etc/ssh/sshd_config)
ok "host keys are each host's own" test "$("$vps" exec t-a cat /etc/ssh/ssh_host_{rsa,ecdsa,ed25519}_key.pub | cut -d ' ' -f 2 | sort -u | wc -l)" = 3 -a \
  "$("$vps" exec t-a cat /etc/ssh/ssh_host_rsa_key.pub)" != "$("$vps" exec t-c cat /etc/ssh/ssh_host_rsa_key.pub)"
ok "nothing but sshd listens" test "$("$vps" exec t-a ss -ltunH | grep -cv ':22 ')" = 0
ok "what is there for some servers does not run" test -z "$("$vps" exec t-a sh -c 'ps -eo comm= | grep -E "fail2ban|tinysshd|dropbear"; iptables -S | grep -v -- "-P "; nft list ruleset 2>/dev/null | grep chain')"
ok "nothing failed to start" test -z "$("$vps" exec t-a systemctl --failed --no-legend)"
ok "no way to the machine's disks" "$vps" exec t-a sh -c '! grep -v " \(overlay\|proc\|sysfs\|cgroup2\|tmpfs\|devpts\|ramfs\) " /proc/mounts && ! mknod /tmp/d b 8 0 2>/dev/null'
ok "the console has the exit status" not "$vps" exec t-a false

# ssh.socket, and the network cable
"$vps" up t-e socket=yes >/dev/null
ok "socket=yes: password login" says t-e owner 'systemctl is-active ssh.socket' active
"$vps" exec t-e systemctl stop ssh.service 2>/dev/null
ok "  also before the service runs" says t-e owner 'whoami' owner
"$vps" down t-e
rm "$tmp/known" # another host may get the address
"$vps" up t-e socket=each >/dev/null
"$vps" exec t-e systemctl is-active ssh.service >"$tmp/active" || true
ok "socket=each: password login" says t-e owner whoami owner
ok "  with no ssh.service, but an sshd for each connection" test "$(cat "$tmp/active"; "$vps" exec t-e systemctl show -p Accept --value ssh.socket)" = $'inactive\nyes'
"$vps" link t-e down
ok "link down: nothing comes through" not login t-e owner true
"$vps" link t-e up
ok "link up: it does again" soon says t-e owner whoami owner
inner=$("$vps" cable t-a t-e)
"$vps" link t-e down
ok "cable: the other answers there" test "$("$vps" exec t-a timeout 5 ssh-keyscan -t ed25519 "$inner" 2>/dev/null | cut -d ' ' -f 3)" = "$("$vps" exec t-e cut -d ' ' -f 2 /etc/ssh/ssh_host_ed25519_key.pub)"
ok "  and there alone" not "$vps" exec t-c timeout 2 ssh-keyscan "$inner"
ok "  not here" not login t-e owner true
"$vps" down t-e
rm "$tmp/known"

# reboots keep the disk
for how in '' hard; do
  for host in t-a t-b; do
    login $host owner "echo $how-kept >mark; sync"
    old=$(cat /run/kagiban-vps/$host/pid)
    # shellcheck disable=SC2086 # a word or none
    ok "reboot $host $how" "$vps" reboot $host $how
    ok "  the disk is the same" says $host owner 'cat mark' "$how-kept"
    ok "  the init is another" test "$old" != "$(cat /run/kagiban-vps/$host/pid)"
  done
done
"$vps" exec t-a systemctl reboot || true
ok "a reboot from inside comes back" soon says t-a owner 'cat mark' hard-kept
"$vps" exec t-a systemctl poweroff || true
ok "poweroff from inside stays off" soon sh -c "$vps list | grep -q '^t-a off'"
ok "keep=1 starts it again, disk and all" "$vps" up t-a keep=1
ok "  the disk is the same" says t-a owner 'cat mark' hard-kept

# what goes wrong
echo 'echo broken >>/etc/ssh/sshd_config; false' >"$tmp/bad"
ok "a failing hook fails up" not "$vps" up t-d hook="$tmp/bad"
ok "  and leaves nothing" not test -e /run/kagiban-vps/t-d
ok "a name that is up is refused" not "$vps" up t-a
mkdir /run/kagiban-canary
ok "a name that is a path is refused" not "$vps" down ../kagiban-canary
ok "  and what it names stays" test -d /run/kagiban-canary
sleep 600 & owner=$!
"$vps" up t-d owner=$owner >/dev/null
kill -9 $owner
wait $owner 2>/dev/null || true
ok "a host goes when its owner dies" soon not test -e /run/kagiban-vps/t-d
kill -9 "$(cut -d ' ' -f 1 /run/kagiban-vps/t-c/supervisor)"
ok "a host goes when its supervisor is killed" soon not login t-c carla true
for link in /run/kagiban-vps/t-*/conf; do links | grep "$(sed -n s/link=//p "$link")\$"; done >"$tmp/links" || true
"$vps" down --all
ok "down --all leaves nothing" soon clean t-a t-b t-c t-d
ok "  not in /run" test -z "$(find /run/kagiban-vps -mindepth 1 ! -name .lock)"
ok "  not a link" not grep -qxFf "$tmp/links" <(links)
ok "  not a network namespace or mount" test -z "$(ip netns list; grep -E 'kagiban-vps/t-[a-e]/' /proc/mounts)"

# a sweep that has begun to look at a host when it is made, and goes on when it stands
# shellcheck disable=SC2016 # the script's own words
printf '%s\n' '#!/bin/sh' 'case $1 in */t-d/maker) touch "$LOOKING"; until [ -e /run/kagiban-vps/t-d/up ] && ! pgrep -f "vps up t-d" >/dev/null; do sleep 0.05; done ;; esac' \
  'exec /bin/cat "$@"' >"$tmp/cat"
chmod 700 "$tmp/cat"
echo "until [ -e /looking ]; do sleep 0.05; done" >"$tmp/hook"
"$vps" up t-d hook="$tmp/hook" >/dev/null & made=$!
rm -f "$tmp/known"
soon test -e /run/kagiban-vps/t-d/maker
LOOKING=/run/kagiban-vps/t-d/disk/upper/looking PATH=$tmp:$PATH "$vps" up t-c >/dev/null & sweep=$!
ok "a host that is finished while another up looks at it" finish "$made" "$sweep"
ok "  is not swept away" says t-d owner whoami owner
"$vps" down t-c
"$vps" down t-d

# up is killed at any time; the next run cleans. Every step of it takes some milliseconds.
for ms in 0.02 0.05 0.1 0.15 0.2 0.25 0.3 0.4 0.5 0.6 0.7 0.8; do
  "$vps" up t-d >/dev/null 2>&1 & up=$!
  sleep $ms
  kill -9 $up 2>/dev/null || { "$vps" down t-d; break; } # it was quicker than that
  wait $up 2>/dev/null || true
  "$vps" up t-c >/dev/null
  ok "up killed after $ms s: the next up removes it" clean t-d
  "$vps" down t-c
done
exit $failed
