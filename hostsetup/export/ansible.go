package export

import (
	_ "embed" // the playbook
	"fmt"
	"strings"

	"kagiban/hostsetup/sshd"
)

// playbook has one place for the drop-in's text; all that is of a host stands in the inventory.
//
//go:embed playbook.yml
var playbook string

// A File is one of a folder.
type File struct{ Name, Text string }

// Ansible is a folder with an inventory and a playbook. Errors: *[UnfitError].
func Ansible(hosts []Host) ([]File, error) {
	if err := check(hosts); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(Mark + "ansible: an inventory for playbook.yml\nkagiban:\n  hosts:\n")
	for _, h := range hosts {
		reached := h.Address
		if h.ByName {
			reached = h.Name
		}
		fmt.Fprintf(&b, "    %s:\n      ansible_host: %s\n      ansible_port: %d\n      ansible_user: %s\n", quoted(h.Name), quoted(reached), h.Port, quoted(h.User))
		if args := h.arguments(); len(args) > 0 {
			fmt.Fprintf(&b, "      ansible_ssh_common_args: %s\n", quoted(strings.Join(args, " ")))
		}
		if h.User == "root" {
			b.WriteString("      ansible_become: false\n")
		}
		// !unsafe: a comment of a key is text, and no template
		fmt.Fprintf(&b, "      kagiban_key: !unsafe %s\n", quoted(h.Key.line()))
	}
	return []File{{"inventory.yml", b.String()}, {"playbook.yml", strings.Replace(playbook, "          DROP-IN\n", indented(sshd.DropIn, 14), 1)}}, nil
}

// arguments are what ssh is told besides, in words that need no quotes.
func (h Host) arguments() []string {
	var args []string
	if a := h.hostKeyAlias(); a != "" {
		args = append(args, "-o", "HostKeyAlias="+a)
	}
	if h.Jump != "" {
		args = append(args, "-o", "ProxyJump="+escaped(h.Jump))
	}
	return args
}
