#!/bin/sh
# What the scripts of all kinds of deltas share. It stands in a delta before apply.sh or load-delta.sh, which have clean_up.
# shellcheck disable=SC2154 # facts stand before this in a delta
# shellcheck disable=SC2034 # and what uses what is set here behind it
set -uf
LC_ALL=C
export LC_ALL
unset IFS CDPATH
umask 022

# Lists are gone through with for, and not with read: some shells put what is read from a variable into a temporary file
# first, and where that has no room, they read nothing.
newline='
'

start_delta() {
  # The file is whole up to its blocks, or this would not run; the first lines have set it.
  trap - EXIT
  case "$0" in
    /*) own_path=$0 ;;
    *) own_path=$PWD/$0 ;;
  esac
  own_name=$(shown "${0##*/}") # for messages
  own_folder=${own_path%/*}
}

# Ends where one of these tools is missing: what lacks its answer would blame the bundle, or call it loaded.
need_tools() {
  for needed_tool in "$@"; do
    command -v "$needed_tool" >/dev/null ||
      fail 3 "Cannot go on: there is no $needed_tool on this machine, or it is not on the PATH ($PATH)" \
        'It is in the packages coreutils, mawk, sed and grep of Debian and Ubuntu. Nothing is known to be wrong with the file itself.'
  done
}

# Sets name, size and sum to the words of the line $1 of new_files.
read_new() {
  # shellcheck disable=SC2086
  set -- $1
  name=$1
  size=$2
  sum=$3
}

# Prints $1 as one line in which a terminal finds nothing to obey: names of files and images, and what engines say, may hold
# control characters, and those that turn a line around or have no width (in UTF-8). Each is a ? here.
shown() {
  case "$1" in
    *[!\ -~]*) ;;
    *)
      printf '%s\n' "$1"
      return
      ;;
  esac
  [ -n "$hidden" ] || list_hidden
  shown_rest=$1
  replace_hidden "$newline"
  shown_ifs=${IFS-" $newline"}
  IFS=$newline
  for hidden_one in $hidden; do replace_hidden "$hidden_one"; done
  IFS=$shown_ifs
  printf '%s\n' "$shown_rest"
}

# Puts a ? into shown_rest wherever $1 is.
replace_hidden() {
  shown_done=
  while :; do
    case "$shown_rest" in
      *"$1"*)
        shown_done="$shown_done${shown_rest%%"$1"*}?"
        shown_rest=${shown_rest#*"$1"}
        ;;
      *) break ;;
    esac
  done
  shown_rest=$shown_done$shown_rest
}

# All that is hidden but the end of a line, one a line: the shell alone does it, for there may be no awk.
hidden=
list_hidden() {
  hidden_codes=
  for tens in 0 1 2 3; do
    for ones in 0 1 2 3 4 5 6 7; do
      [ "$tens$ones" = 00 ] || [ "$tens$ones" = 12 ] || hidden_codes="$hidden_codes\\0$tens$ones\\n"
      hidden_codes="$hidden_codes\\302\\2$tens$ones\\n"
      [ "$tens" -lt 2 ] || hidden_codes="$hidden_codes\\342\\201\\2$((tens + 2))$ones\\n"
    done
  done
  for ones in 3 4 5 6 7; do hidden_codes="$hidden_codes\\342\\200\\21$ones\\n"; done
  for ones in 0 1 2 3 4 5 6; do hidden_codes="$hidden_codes\\342\\200\\25$ones\\n"; done
  # shellcheck disable=SC2059 # the format is all there is
  hidden=$(printf "$hidden_codes\\177\\n\\302\\255\\n\\330\\234\\n\\357\\273\\277\\n")
}

# The same of each line that is read, behind $1.
show_lines() {
  while IFS= read -r said_line || [ -n "$said_line" ]; do printf '%s%s\n' "$1" "$(shown "$said_line")"; done
}

say() { for said_line in "$@"; do shown "$said_line"; done; }
item() { printf '  %-9s%s\n' "$1" "$(shown "$2")"; }

# Ends with status $1, message $2 and lines that say what to do.
fail() {
  fail_status=$1
  shift
  clear_progress
  say '' "$1" >&2
  shift
  for line in "$@"; do say "  $line" >&2; done
  finish "$fail_status"
}

finish() {
  trap '' INT TERM HUP
  clean_up
  exit "$1"
}

size_text() {
  if [ "$1" -ge 1000000000 ]; then
    printf '%d.%d GB' $(($1 / 1000000000)) $(($1 / 100000000 % 10))
  elif [ "$1" -ge 1000000 ]; then
    printf '%d.%d MB' $(($1 / 1000000)) $(($1 / 100000 % 10))
  else
    printf '%d kB' $((($1 + 999) / 1000))
  fi
}

plural() { if [ "$1" -eq 1 ]; then printf '%s' "$2"; else printf '%s' "$3"; fi; }

clear_progress() { [ ! -t 2 ] || printf '\r%60s\r' '' >&2; }

pick_sum_tool() {
  for sum_tool in sha256sum shasum openssl busybox; do
    command -v "$sum_tool" >/dev/null || continue
    case "$(printf '' | sum_stdin 2>/dev/null)" in
      e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855) return ;;
    esac
  done
  fail 3 'Cannot check sums: there is no sha256sum, shasum or openssl on this machine' \
    'On Debian and Ubuntu sha256sum is in the package coreutils.'
}

sum_stdin() {
  case "$sum_tool" in
    sha256sum) sha256sum ;;
    shasum) shasum -a 256 ;;
    openssl) openssl dgst -sha256 -r ;;
    busybox) busybox sha256sum ;;
  esac | cut -c 1-64
}

# Of the file $1, in bytes. Only the size is read, and stat is not everywhere.
size_of() {
  # shellcheck disable=SC2012
  listed=$(ls -lnL "$1" 2>/dev/null) || { printf 0; return; }
  # shellcheck disable=SC2086
  set -- $listed
  printf '%s' "${5:-0}"
}

# Of the file system of the folder $1, in bytes; empty where nobody can say.
free_at() {
  # shellcheck disable=SC2046
  set -- $(df -Pk "$1" 2>/dev/null | tail -n 1)
  free_before=
  for word in "$@"; do
    case "$word" in
      [0-9]*%)
        printf '%s' "${free_before:+$((free_before * 1024))}"
        return
        ;;
    esac
    free_before=$word
  done
}

check_own_file() {
  [ -f "$own_path" ] || fail 5 'Cannot read this delta: it must be a file of its own' 'Save it, and run it by its name: sh update.delta'
  own_size=$(size_of "$own_path")
  [ "$own_size" -ge "$delta_size" ] || fail 5 "Cannot use \"$own_name\": it is cut off, $own_size of $delta_size bytes are there" \
    'The copy was stopped, or the stick was full. Copy this file again.'
  [ "$own_size" -eq "$delta_size" ] || fail 5 "Cannot use \"$own_name\": it has $own_size bytes, and $delta_size were wanted" \
    'It was changed on its way, perhaps by an editor or a mail program. Copy this file again.'
}
