#!/bin/sh
# Installs newleaf from its unpacked tarball, on a system without packages whose root may be read-only (Yocto and others):
#   ./install.sh [--prefix DIRECTORY]   installs it, or upgrades what is there
#   ./install.sh --uninstall            removes it; configuration, PIN, state and the keys in the token stay
# All of newleaf is in DIRECTORY (/opt/newleaf), which must be on a disk that can be written: program/, bin/, share/, etc/
# and state/. Of the root file system it needs a user, its units, a line for tmpfiles.d, and a link at /etc/newleaf. They are
# written once: an upgrade needs a root that can be written only where a unit has changed.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd -P)
units=/etc/systemd/system
tmpfiles=/etc/tmpfiles.d/newleaf.conf

say() { echo "$*"; }
die() {
  echo "install.sh: $*" >&2
  exit 1
}

action=install prefix=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      # It is written into units and scripts, unquoted.
      case ${2:-} in
        *[!A-Za-z0-9/._-]*) die '--prefix may have letters, digits, and / . _ - only.' ;;
        /?*) ;;
        *) die '--prefix needs an absolute path.' ;;
      esac
      prefix=${2%/}
      shift
      ;;
    --uninstall) action=uninstall ;;
    *)
      sed -n '2,4s/^# *//p' "$0" >&2
      exit 2
      ;;
  esac
  shift
done

[ "$(id -u)" = 0 ] || die 'This is for root.'
command -v systemctl >/dev/null || die 'newleaf is started by systemd, and there is no systemctl here.'
installed=$(readlink /etc/newleaf || true)
installed=${installed%/etc}
[ -n "$installed" ] || [ ! -e /etc/newleaf ] || die '/etc/newleaf is not of this script. Is the Debian package installed?'
[ -z "$installed" ] || [ -z "$prefix" ] || [ "$prefix" = "$installed" ] || die "newleaf is installed in $installed already."
prefix=${installed:-${prefix:-/opt/newleaf}}
newleaf=$prefix/bin/newleaf

# Nothing runs while an image is made.
booted() { [ -d /run/systemd/system ]; }
reload() { ! booted || systemctl daemon-reload; }

# Prints a file of systemd/ with the paths of this installation.
localised() {
  sed -e "s|/usr/bin/newleaf|$newleaf|; s|/usr/share/newleaf|$prefix/share|" \
    -e "s|^StateDirectory=newleaf\$|ReadWritePaths=$prefix/state|; /^StateDirectoryMode=/d; s|/var/lib/newleaf|$prefix/state|" \
    -e "s|^Description=.*|&\\nRequiresMountsFor=$prefix|" "$1"
}

# The other lines are for the Debian package: state and PIN are below the prefix here.
for_sockets() { grep '^d /run/newleaf-uplink ' "$here/systemd/newleaf.tmpfiles"; }

# Fails where it would have to change something of the root file system.
root_is_ready() {
  id newleaf >/dev/null 2>&1 && [ -L /etc/newleaf ] && systemctl --quiet is-enabled newleaf.service 2>/dev/null || return 1
  for unit in "$here"/systemd/*.service "$here"/systemd/*.timer; do
    localised "$unit" | cmp -s - "$units/${unit##*/}" || return 1
  done
  for_sockets | cmp -s - "$tmpfiles"
}

# Writes the files that the root file system needs.
prepare_root() {
  mkdir -p "$units" 2>/dev/null || true
  touch "$units/.newleaf" 2>/dev/null ||
    die "This once $units must be written: mount -o remount,rw / && $0 --prefix $prefix; mount -o remount,ro /"
  rm "$units/.newleaf"
  id newleaf >/dev/null 2>&1 || localised "$here/systemd/newleaf.sysusers" | systemd-sysusers - ||
    die 'There is no user newleaf, and it cannot be made here: make it in the image.'
  ln -sfn "$prefix/etc" /etc/newleaf
  ln -sf "$newleaf" /usr/bin/newleaf 2>/dev/null || say "/usr/bin cannot be written: newleaf is called as $newleaf."
  for unit in "$here"/systemd/*.service "$here"/systemd/*.timer; do
    localised "$unit" >"$units/${unit##*/}"
  done
  mkdir -p "${tmpfiles%/*}"
  for_sockets >"$tmpfiles"
  ! booted || systemd-tmpfiles --create "$tmpfiles" || true
  reload
  systemctl --quiet enable newleaf.service
}

# Puts the program beside the existing ones, and names its directory.
copy_program() {
  mkdir -p "$prefix/program"
  name=$(cat "$here/VERSION")
  while [ -e "$prefix/program/$name" ]; do name=$name+; done
  rm -rf "$prefix/program/.new"
  mkdir "$prefix/program/.new"
  (cd "$here" && cp -R ./* "$prefix/program/.new/")
  mv "$prefix/program/.new" "$prefix/program/$name"
  # What V8 makes of the program, for a quick start.
  for part in daemon quick; do
    "$prefix/program/$name/node" "$prefix/program/$name/newleaf.js" internal-cache $part >/dev/null 2>&1 || true
  done
  echo "$prefix/program/$name"
}

# The CAs of the system, where they are not where Debian and Yocto have them: Fedora and its relatives, then openSUSE.
trust() {
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || return 0
  for bundle in /etc/pki/tls/certs/ca-bundle.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem; do
    [ ! -e "$bundle" ] || { printf '\n[trust]\nca_file = "%s"\n' "$bundle" && return; }
  done
}

# Files of share/, configuration and state, where they are missing.
furnish() {
  mkdir -p "$prefix/bin" "$prefix/share" "$prefix/etc"
  for file in fallback tpm.conf; do
    localised "$here/systemd/$file" >"$prefix/share/.new"
    mv "$prefix/share/.new" "$prefix/share/$file"
  done
  if [ ! -e "$prefix/etc/newleaf.toml" ]; then
    { cat "$here/newleaf.toml" && printf '\n[state]\ndirectory = "%s"\n' "$prefix/state" && trust; } >"$prefix/etc/newleaf.toml"
  fi
  # Once the directory is the daemon's, a name in it may be a link to anywhere: root changes nothing there any more.
  if [ "$(stat -c %u "$prefix/state" 2>/dev/null || echo 0)" = 0 ]; then
    mkdir -p "$prefix/state/inbox"
    chown newleaf:newleaf "$prefix/state/inbox"
    chmod 2770 "$prefix/state/inbox"
    chmod 750 "$prefix/state"
    chown newleaf:newleaf "$prefix/state"
  fi
}

# From here on this program starts. The previous one stays, in case this one fails.
switch_to() {
  if [ -e "$newleaf" ]; then cp -p "$newleaf" "$newleaf.before"; fi
  sed -e "s|@NODE@|$1/node|g" -e "s|@PROGRAM@|$1|g" "$1/newleaf.sh" >"$newleaf.new"
  chmod 755 "$newleaf.new"
  sync
  mv "$newleaf.new" "$newleaf"
}

restart() {
  if systemctl restart newleaf.service; then return; fi
  if [ ! -e "$newleaf.before" ]; then die "newleaf does not start: see journalctl -u newleaf."; fi
  mv "$newleaf.before" "$newleaf"
  systemctl restart newleaf.service || true
  die "The new newleaf does not start: see journalctl -u newleaf. The one before is back in its place."
}

# Deletes all programs but this one and the previous one.
sweep() {
  for old in "$prefix"/program/*; do
    grep -qsF "exec $old/node" "$newleaf" "$newleaf.before" || rm -rf "$old"
  done
}

install() {
  "$here/node" --version >/dev/null 2>&1 ||
    die "The Node of this tarball does not run here. It is for $(cat "$here/ARCHITECTURE"), and needs glibc 2.34."
  mkdir -p "$prefix" || die "$prefix cannot be made: name a directory that can be written with --prefix."
  case $(stat -f -c %T "$prefix") in
    tmpfs | ramfs) die "$prefix is in memory, and would be gone after a restart: name another with --prefix." ;;
  esac
  root_is_ready || prepare_root
  furnish
  program=$(copy_program)
  switch_to "$program"
  say "newleaf $(cat "$here/VERSION") is in $program."
  if ! booted; then
    say 'It starts with the system.'
  elif ! "$newleaf" config >/dev/null 2>&1; then
    say 'Next: newleaf init'
  elif [ -n "$installed" ] && [ "$(systemctl is-active newleaf.service)" = inactive ]; then
    say 'It was not running, and is not started: systemctl start newleaf'
  else
    restart
    say 'It runs: newleaf status'
  fi
  sweep
}

uninstall() {
  [ -n "$installed" ] || die 'newleaf is not installed by this script.'
  touch "$units/.newleaf" 2>/dev/null || die "$units is read-only: mount -o remount,rw / and again."
  ! booted || systemctl --quiet stop newleaf.service newleaf-fallback.timer || true
  systemctl --quiet disable newleaf.service || true
  rm -f "$units/.newleaf" "$units"/newleaf.service "$units"/newleaf-fallback.service "$units"/newleaf-fallback.timer "$tmpfiles" \
    /etc/newleaf
  if [ "$(readlink /usr/bin/newleaf || true)" = "$newleaf" ]; then rm -f /usr/bin/newleaf || true; fi
  reload
  for part in program bin share; do rm -rf "${prefix:?}/$part"; done
  say "newleaf is removed. Configuration, PIN and state are in $prefix, and the keys are in the token."
}

$action
