#!/bin/sh
# Installs pipeloom, or brings it up to date, without root:
#
#   curl -fsSL https://github.com/pipeloom/pipeloom/releases/latest/download/install.sh | sh
#
# PIPELOOM_INSTALL_DIR  where the executable goes; ~/.local/bin otherwise
# PIPELOOM_VERSION      a version such as 0.1.0; the latest otherwise
# PIPELOOM_RELEASES     where releases are, for a mirror
#
# POSIX sh. The last line calls the functions above it, so a truncated download of this file does nothing.

set -eu

main() {
  releases=${PIPELOOM_RELEASES:-https://github.com/pipeloom/pipeloom/releases}
  folder=${PIPELOOM_INSTALL_DIR:-${HOME:?is not set; set PIPELOOM_INSTALL_DIR}/.local/bin}
  archive="pipeloom-$(target).tar.gz"
  from=$releases/latest/download
  [ -z "${PIPELOOM_VERSION:-}" ] || from=$releases/download/v${PIPELOOM_VERSION#v}

  assert_writable
  work=$(mktemp -d)
  staged=$folder/.pipeloom-$$
  trap 'rm -rf "$work" "$staged"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  say "downloading $from/$archive"
  download "$from/SHA256SUMS" "$work/SHA256SUMS"
  download "$from/$archive" "$work/$archive"
  verify
  tar -xzf "$work/$archive" -C "$work" pipeloom || fail "cannot unpack $archive"
  install_it
}

say() { printf '%s\n' "$@"; }

# $1 is the error, the other arguments are hints.
fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# ── which archive ───────────────────────────────────────────────────────────────────────────────────────

target() {
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    MINGW* | MSYS* | CYGWIN*) fail "this is Windows" "use install.ps1, from the same place" ;;
    *) fail "there is no pipeloom for $(uname -s)" "it runs on Linux, macOS and Windows" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no pipeloom for $(uname -m)" "it runs on x86-64 and on 64-bit ARM" ;;
  esac
  # A shell under Rosetta reports an Intel processor.
  if [ "$system" = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
    machine=arm64
  fi
  libc=
  if [ "$system" = linux ] && is_musl; then libc=-musl; fi
  printf '%s' "$system-$machine$libc"
}

# Ask glibc first: a glibc system may have musl's loader too.
is_musl() {
  if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then return 1; fi
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
    *GLIBC* | *"GNU libc"*) return 1 ;;
  esac
  for loader in /lib/ld-musl-*.so.1; do
    if [ -e "$loader" ]; then return 0; fi
  done
  return 1
}

# ── download and check ──────────────────────────────────────────────────────────────────────────────────

download() {
  if have curl; then
    case $1 in
      https:*) set -- "$@" --proto '=https' --tlsv1.2 ;;
    esac
    url=$1 file=$2
    shift 2
    curl -fsSL --retry 2 "$@" -o "$file" "$url" || not_downloaded "$url"
  elif have wget; then
    wget -q -t 2 -O "$2" "$1" || not_downloaded "$1"
  else
    fail "there is neither curl nor wget" "install one of them and run this again"
  fi
}

not_downloaded() {
  fail "cannot download $1" "nothing was installed; check the network and the version, and run this again"
}

verify() {
  wanted=$(awk -v name="$archive" '$2 == name { print $1 }' "$work/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS does not name $archive" "nothing was installed"
  got=$(sha256 "$work/$archive")
  [ "$got" = "$wanted" ] || fail "$archive is not what was released: its SHA-256 is wrong" \
    "expected $wanted" "received $got" "nothing was installed; run this again"
}

sha256() {
  if have sha256sum; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif have shasum; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  elif have openssl; then
    openssl dgst -sha256 "$1" | sed 's/.*= *//'
  else
    fail "nothing here can compute a SHA-256" "install sha256sum, shasum or openssl and run this again"
  fi
}

# ── install ─────────────────────────────────────────────────────────────────────────────────────────────

assert_writable() {
  mkdir -p "$folder" 2>/dev/null || not_writable
  [ -w "$folder" ] || not_writable
}

not_writable() {
  fail "cannot write to $folder" "choose another folder: PIPELOOM_INSTALL_DIR=~/bin"
}

# Copied next to the old file and renamed over it: running processes keep the old one.
install_it() {
  cp "$work/pipeloom" "$staged" || not_writable
  chmod 755 "$staged"
  new=$("$staged" --version 2>&1) || does_not_start "$new"
  old=$("$folder/pipeloom" --version 2>/dev/null) || old=
  mv -f "$staged" "$folder/pipeloom" || not_writable
  if [ -z "$old" ]; then
    say "installed $new → $folder/pipeloom"
  elif [ "$old" = "$new" ]; then
    say "installed $new again → $folder/pipeloom"
  else
    say "upgraded $old to $new → $folder/pipeloom"
  fi
  mention_path
  say "next: pipeloom demo -n 10"
}

does_not_start() {
  case $archive in
    *-musl.tar.gz) fail "the executable does not start here: $1" "it needs the C++ library: apk add libstdc++" ;;
    *) fail "the executable does not start here: $1" "nothing was installed" ;;
  esac
}

mention_path() {
  case :$PATH: in
    *:"$folder":*)
      first=$(command -v pipeloom || true)
      [ "$first" = "$folder/pipeloom" ] || say "note: $first comes first in your PATH"
      ;;
    *) say "note: $folder is not in your PATH; add to your shell's profile:" "  export PATH=\"$folder:\$PATH\"" ;;
  esac
}

main
