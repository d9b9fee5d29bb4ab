# shellcheck shell=sh
# who: whom a login comes to. Runs as the login user; changes nothing.
say user "$(id -un)"
