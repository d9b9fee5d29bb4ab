//go:build unix

package main

// sshAgentStory is a shell script in which $A is an ssh-agent. OpenSSH's and ours must
// say the same and end with the same code, or why says what is not the same, and
// want is what ours says: its output, its talk, and "= CODE", each if there is any.
type sshAgentStory struct {
	name   string
	script string
	why    string
	want   string
}

var sshAgentStories = []sshAgentStory{
	// what it prints
	{name: "sh", script: `$A -s`},
	{name: "csh", script: `$A -c`},
	{name: "csh by SHELL", script: `SHELL=/bin/tcsh $A`},
	{name: "sh by SHELL", script: `SHELL=/bin/zsh $A`},
	{name: "no SHELL", script: `unset SHELL; $A`},
	{name: "-s before SHELL", script: `SHELL=/bin/csh $A -s`},
	{name: "a place", script: `$A -a $PWD/place; test -S place`},
	{name: "a place, joined", script: `$A -sa$PWD/place; test -S place`},
	{name: "modes", script: `eval $($A -s) >/dev/null; ls -l $SSH_AUTH_SOCK | cut -c1-10; ls -ld $(dirname $SSH_AUTH_SOCK) | cut -c1-10; kill $SSH_AGENT_PID`},
	{name: "a relative place", script: `$A -a place >out; cut -d\; -f1 out | head -1; test -S place; kill $(sed -n 's/^echo Agent pid \(.*\);/\1/p' out)`},
	{name: "a place that no shell reads", script: `$A -s -a "$PWD/it's \$HOME" >out; eval "$(cat out)"; test -S "$SSH_AUTH_SOCK" && echo "$SSH_AUTH_SOCK"; cat out; kill $SSH_AGENT_PID`,
		why:  "9.2 does not quote, and 10.5 quotes so that $HOME is replaced",
		want: "Agent pid N\nDIR/it's $HOME\nSSH_AUTH_SOCK='DIR/it'\\''s $HOME'; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=N; export SSH_AGENT_PID;\necho Agent pid N;\n= 0"},
	{name: "in csh, a place that no shell reads", script: `$A -c -a "$PWD/it's!"`,
		why:  "9.2 does not quote",
		want: "setenv SSH_AUTH_SOCK 'DIR/it'\\''s\\!';\nsetenv SSH_AGENT_PID N;\necho Agent pid N;\n= 0"},
	{name: "csh reads it", script: "tcsh -f -c 'eval `$A -c` && ssh-add -l; eval `$A -ck`; echo $?SSH_AUTH_SOCK'"},
	{name: "csh reads any place", script: "place=\"$PWD/it's \\$HOME!\" tcsh -f -c 'eval `$A -c -a $place:q` && ssh-add -l; echo $SSH_AUTH_SOCK:q; kill $SSH_AGENT_PID'",
		why: "9.2 does not quote", want: "Agent pid N\nThe agent has no identities.\nDIR/it's $HOME!\n= 0"},
	{name: "the caller's open files", script: `eval $(exec 9>&1; $A -s) && kill $SSH_AGENT_PID`, why: "9.2 keeps them, and who reads one to its end waits for the agent's; 10.1 closes them", want: "Agent pid N\n= 0"},
	{name: "version", script: `$A -V 2>&1 | cut -d' ' -f1`, why: "9.2 has no -V; OpenSSH says its own name there", want: "kagiban\n= 0"},

	// calls that are wrong
	{name: "both shells", script: `$A -s -c`},
	{name: "unknown", script: `$A -x`},
	{name: "unknown, of several", script: `$A -sx`},
	{name: "long", script: `$A --help`},
	{name: "no value", script: `$A -a`},
	{name: "hash", script: `$A -E crc`},
	{name: "hash in capitals", script: `$A -E MD5 true`},
	{name: "option", script: `$A -O whatever`},
	{name: "providers twice", script: `$A -P a -P b`},
	{name: "remote providers", script: `$A -O allow-remote-pkcs11 -O no-restrict-websafe -P '/opt/*' true`},
	{name: "web patterns", script: `$A -O websafe-allow=a -O websafe-allow=b`, why: "10.0 and later know it; 9.2 does not", want: "websafe-allow already set\n= 255"},
	{name: "life", script: `$A -t 5x`},
	{name: "no life", script: `$A -t ''`},
	{name: "too long a life", script: `$A -t 2147483648`},
	{name: "lives", script: `for t in 0 1 90s 1h30 1H30M 1w2d 2147483647; do $A -t $t true || echo $t; done`},
	{name: "-s and a command", script: `$A -s true`},
	{name: "-D and a command", script: `$A -D true`},
	{name: "-d and -D", script: `$A -dD`},
	{name: "-u and a command", script: `$A -u true`, why: "-u is since 10.1", want: "USAGE\n= 1"},
	{name: "taken by a file", script: `touch place; $A -a place; test -f place`},
	{name: "taken by an agent", script: `$A -a $PWD/place; $A -a $PWD/place`},
	{name: "too long a place", script: `$A -a /tmp/$(printf %0120d 0)`},
	{name: "no such folder", script: `$A -a $PWD/no/place`},
	{name: "no folder for temporary files", script: `TMPDIR=/nowhere HOME=/dev/null $A`,
		why: "a program that is setgid, as Debian's is, is not told of TMPDIR", want: "mkdtemp: private socket dir: No such file or directory\n= 1"},

	// ending it
	{name: "end it", script: `eval $($A -s); $A -k`},
	{name: "end it for csh", script: `eval $($A -s); $A -ck`},
	{name: "end none", script: `unset SSH_AGENT_PID; $A -k`},
	{name: "end what is no number", script: `SSH_AGENT_PID=one $A -k`},
	{name: "end init", script: `SSH_AGENT_PID=1 $A -k`},
	{name: "end all", script: `SSH_AGENT_PID=-1 $A -k`},
	{name: "end a number too large", script: `SSH_AGENT_PID=4294967298 $A -k`},
	{name: "end a number far too large", script: `SSH_AGENT_PID=99999999999999999999 $A -k`},
	{name: "end what is gone", script: `sh -c 'echo $$' >gone; SSH_AGENT_PID=$(cat gone) $A -k`},
	{name: "-k and a command", script: `$A -k true`},

	// with a command
	{name: "its code", script: `$A sh -c 'exit 7'`},
	{name: "its signal", script: `$A sh -c 'kill -9 $$' 2>/dev/null`},
	{name: "its arguments", script: `$A -t 1m -- echo -s '*' ''`},
	{name: "its options stay its own", script: `$A -t 1m sh -c 'echo $1' - -k`},
	{name: "its process", script: `$A sh -c 'echo $$ >pid' & wait $!; test $! = $(cat pid)`},
	{name: "its agent", script: `$A sh -c 'test $(ps -o ppid= -p $SSH_AGENT_PID) = $$ && ps -o comm= -p $SSH_AGENT_PID; ssh-add -l'`},
	{name: "its terminal", script: `$A sh -c 'cat; echo oh >&2' <<. && echo yes` + "\nhere\n."},
	{name: "its open files", script: `exec 7>seven; $A sh -c 'echo here >&7'; cat seven`},
	{name: "its signals", script: `$A sh -c 'for s in INT HUP TERM PIPE USR1; do (trap - $s; sh -c "kill -$s \$\$; echo $s is ignored"); done' 2>/dev/null`},
	{name: "its ignored signals", script: `trap '' INT HUP; $A sh -c 'for s in INT HUP TERM; do sh -c "kill -$s \$\$; echo $s is ignored"; done'`},
	{name: "its limits", script: `ulimit -S -n 512; ulimit -S -c 0; $A sh -c 'ulimit -n; ulimit -c; umask; pwd'`},
	{name: "no such program", script: `$A no-such-program`},
	{name: "no program", script: `touch data; $A ./data`},
	{name: "a folder", script: `$A ./.`},
	{name: "a script without its shell", script: `echo 'echo $0 $1; exit 3' >it; chmod +x it; $A ./it one`},
	{name: "from the path", script: `mkdir bin; echo 'echo mine' >bin/it; chmod +x bin/it; PATH=$PWD/bin:$PATH $A it`},

	// where it is
	{name: "-T", script: `eval $($A -T) >/dev/null; case $SSH_AUTH_SOCK in $TMPDIR/ssh-????????????/agent.[0-9]*) echo there;; esac; kill $SSH_AGENT_PID`,
		why: "since 10.1; before, that is the only place", want: "there\n= 0"},
	{name: "at home", script: `eval $($A) >/dev/null; case $SSH_AUTH_SOCK in $HOME/.ssh/agent/s.??????????.agent.??????????) echo there;; esac; ls -ld .ssh/agent | cut -c1-10; kill $SSH_AGENT_PID`,
		why: "since 10.1", want: "there\ndrwx------\n= 0"},
	{name: "no home to be at", script: `export HOME=/dev/null; eval $($A) >/dev/null; case $SSH_AUTH_SOCK in $TMPDIR/ssh-*/agent.*) echo there;; esac; kill $SSH_AGENT_PID`,
		why: "10.5 gives up; the old place is as private", want: "there\n= 0"},
	{name: "an open home", script: `mkdir -p .ssh/agent; chmod 777 .ssh/agent; eval $($A) >/dev/null; case $SSH_AUTH_SOCK in $TMPDIR/ssh-*/agent.*) echo there;; esac; kill $SSH_AGENT_PID`,
		why: "10.5 serves where others could put another socket", want: "there\n= 0"},
	{name: "-u", script: `$A -u; $A -uu; $A -u -U`, why: "since 10.1", want: "Deleted stale agent sockets in ~/.ssh/agent\nDeleted stale agent sockets in ~/.ssh/agent\nDeleted stale agent sockets in ~/.ssh/agent\n= 0"},
}
