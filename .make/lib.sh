# Shared by the scripts in this folder: `. "$(dirname "$0")/lib.sh"` leaves the shell at the top of the repository.
# Written for the bash 3.2 that macOS has, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ROOT=$PWD
TARGET=$ROOT/target
TOOLS=$TARGET/tools
STAMPS=$TARGET/.stamps
export PATH="$TOOLS/bin:$HOME/.cargo/bin:$PATH"
mkdir -p "$STAMPS"

# The crates of the server: all but the wasm entry point. Every build and test of the server names the same set, so that
# cargo resolves the same features each time and compiles nothing twice.
SERVER_CRATES="--workspace --exclude frontend"

# Cargo lists every crate it compiles: useful at a terminal, hundreds of lines anywhere else.
CARGO_QUIET=--quiet
[ ! -t 2 ] || CARGO_QUIET=

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

sha256() { if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# hash_of FILE-OR-FOLDER... prints one hash of the names and contents of all files beneath.
hash_of() {
  find "$@" -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cat /dev/null | sha256 | cut -c1-64
}

# A stamp is the hash of the inputs of a step: `if stale css "$hash"; then …; stamp css "$hash"; fi`.
stale() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" != "$2" ]; }
stamp() { printf '%s\n' "$2" >"$STAMPS/$1"; }

# install_tool PACKAGE [OPTION...] builds a program from crates.io into target/tools.
install_tool() {
  cargo install $CARGO_QUIET "$@" --force --root "$TOOLS" --target-dir "$TOOLS/build-$1"
  rm -rf "$TOOLS/build-$1"
}

# deny_installed makes `cargo deny` work.
deny_installed() {
  cargo deny --version >/dev/null 2>&1 && return 0
  say "installing cargo-deny into target/tools (once, a few minutes)"
  install_tool cargo-deny --version 0.20.2 --locked
}

# debian_packages "what for" PACKAGE... installs what is missing where that can be done without asking (root on Debian),
# and otherwise says what to install and gives up.
debian_packages() {
  local what=$1 missing="" package
  shift
  for package in "$@"; do
    if have dpkg-query && dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
      continue
    fi
    missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if ! have apt-get || [ "$(id -u)" != 0 ]; then
    die "$what: not found. Please install (the names are Debian's):$missing"
  fi
  say "installing Debian packages ($what):$missing"
  # A package that brings a service would start it at once; this policy forbids it during the installation.
  local policy=/usr/sbin/policy-rc.d ours=""
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=yes
  fi
  local result=0
  # shellcheck disable=SC2086
  apt_install $missing || { apt-get update -qq && apt_install $missing; } || result=$?
  [ -z "$ours" ] || rm -f "$policy"
  [ "$result" = 0 ] || die "apt-get could not install:$missing"
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >"$TARGET/apt.log" 2>&1 ||
    {
      tail -n 5 "$TARGET/apt.log" >&2
      return 1
    }
}

# within SECONDS COMMAND... ends the command, and what it started, when its time is up (exit code 124 or 137).
within() {
  local budget=$1
  shift
  have timeout || {
    "$@"
    return
  }
  # Without a terminal the whole process group is ended; with one, Ctrl-C has to reach the command.
  local foreground=""
  [ ! -t 0 ] || foreground=--foreground
  timeout $foreground --kill-after=20 "$budget" "$@"
}

# timed "label" SECONDS COMMAND... runs one part of a longer job within its time budget, and prints how long it took.
timed() {
  local label=$1 budget=$2 began=$SECONDS result=0
  shift 2
  say "$label (at most $((budget / 60)) min)"
  within "$budget" "$@" || result=$?
  case $result in
    0) note "$label: $((SECONDS - began)) s" ;;
    124 | 137) note "$label: STOPPED after its time budget of $budget s" ;;
    *) note "$label: FAILED after $((SECONDS - began)) s" ;;
  esac
  return $result
}
