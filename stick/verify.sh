#!/bin/sh
# Checks the bundle in this folder: its sums, its compression, and that it holds every image. Changes nothing.
# load.sh takes its functions from here, so that each check has one owner. Only POSIX sh and its usual tools are used;
# nothing is written beside this file, which may lie on a read-only, noexec medium.
# shellcheck disable=SC2034 # load.sh uses more of what is set here
# A shell reads a script bit by bit: where it ends between two functions, nothing is wrong with it. start_in takes this back.
[ "${bundlefs_wants-}" = functions ] || trap 'echo "Cannot use verify.sh: it is cut off. Copy the whole folder again." >&2; exit 5' EXIT
set -uf
LC_ALL=C
export LC_ALL
unset IFS CDPATH
umask 077

verify_usage() {
  printf '%s\n' "Usage: sh verify.sh [options]

Checks the bundle in the folder where this file lies. Changes nothing, needs no engine.

  --quick        only the sums (SHA256SUMS), not the compression and the images within
  --present      only the files that are here: for one disc of several
  --parts DIR    look for parts of images.tar.xz in DIR too; may be given several times
  --help         this text

Exit statuses
  0    everything that was checked is as it should be
  2    the command line is wrong
  3    a tool is missing on this machine (sha256sum, xz, tar, awk …)
  5    a file is missing, incomplete, damaged or in the wrong place
  6    there is no room for temporary files (TMPDIR), or they cannot be written
  130  stopped (Ctrl-C)"
}

verify_main() {
  is_quick=no
  is_present_only=no
  start_in "$0"
  while [ $# -gt 0 ]; do
    case "$1" in
      --quick) is_quick=yes ;;
      --present) is_present_only=yes ;;
      --parts)
        [ $# -ge 2 ] || fail 2 'Cannot read the command line: --parts wants a folder'
        add_folder "$2"
        shift
        ;;
      --help | -h)
        verify_usage
        finish 0
        ;;
      *) fail 2 "Cannot read the command line: there is no option \"$1\"" 'sh verify.sh --help lists what there is.' ;;
    esac
    shift
  done
  pick_sum_tool
  if [ "$is_quick$is_present_only" = nono ]; then
    pick_xz
    [ -n "$xz_tool" ] || fail 3 'Cannot check the compression: there is no xz on this machine' "$xz_hint" \
      'The sums alone can be checked without it: sh verify.sh --quick'
    command -v tar >/dev/null || fail 3 'Cannot check the images: there is no tar on this machine' \
      'The sums alone can be checked without it: sh verify.sh --quick'
  fi
  say 'Sums (SHA256SUMS)'
  check_small_files
  describe_bundle
  say ''
  check_parts_listed
  check_part_sums
  stop_at_problems
  if [ "$is_present_only" = yes ]; then
    say '' 'The files that are here are in order. The other parts were not looked at.'
  elif [ "$is_quick" = yes ]; then
    say '' 'All sums are right.'
  else
    check_content
    stop_at_problems
    say '' 'All is well: the bundle is complete and undamaged.'
  fi
  finish 0
}

# --- Starting, speaking, ending -------------------------------------------------------------------------------------

# Notes the folder of the script with the path $1, and makes a folder for what is only needed while this runs.
# Folders are reached through links in there, so that no path, whatever characters it has, is ever taken for code.
start_in() {
  trap - EXIT
  case "$1" in
    /*) here=${1%/*}/ ;;
    */*) here=$PWD/${1%/*}/ ;;
    *) here=$PWD/ ;;
  esac
  problem_count=0
  folder_count=0
  work=
  job=
  consumer=
  sum_rate=0
  newline='
'
  exec 3<&0
  need_tools awk cat cut date dd ln ls mkdir rm sed tail
  work=$(mktemp -d "${TMPDIR:-/tmp}/bundlefs-XXXXXX" 2>/dev/null) || {
    work=${TMPDIR:-/tmp}/bundlefs-$$
    mkdir "$work" 2>/dev/null || {
      work=
      temp_failed
    }
  }
  trap 'interrupted' INT TERM HUP
  trap 'clean_up' EXIT
  link_folder "$here"
}

# Ends where one of these tools is missing: what lacks its answer would blame the bundle, or call it loaded.
need_tools() {
  for needed_tool in "$@"; do
    command -v "$needed_tool" >/dev/null ||
      fail 3 "Cannot go on: there is no $needed_tool on this machine, or it is not on the PATH ($PATH)" \
        'It is in the packages coreutils, mawk, sed and grep of Debian and Ubuntu. Nothing is known to be wrong with the file itself.'
  done
}

# Makes "folder.NUMBER" of the folder $1, where NUMBER is folder_count.
link_folder() { ln -s "$1" "$work/folder.$folder_count" 2>/dev/null || temp_failed; }

# Ends where a temporary file cannot be written, with a status of its own, for nothing is wrong with the bundle.
temp_failed() {
  fail 6 "Cannot write temporary files: there is no room in \"${TMPDIR:-/tmp}\", or it is missing, or this user may not write there" \
    "Make room, or name another place: TMPDIR=/some/folder sh ${0##*/}" 'Nothing is known to be wrong with the bundle.'
}

# What jobs and engines said is in temporary files: where these cannot be written, nobody is blamed for what is not there.
check_temp() { printf '%4096s' '' 2>/dev/null >"$work/probe" || temp_failed; }

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
warn() { item NOTE "$1"; }
item() { printf '  %-9s%s\n' "$1" "$(shown "$2")"; }

# One thing that is wrong, with what to do about it; the checks go on.
problem() {
  item WRONG "$1"
  shift
  for line in "$@"; do item '' "$line"; done
  problem_count=$((problem_count + 1))
}

stop_at_problems() {
  [ "$problem_count" -eq 0 ] || fail 5 \
    "Cannot use this bundle: $problem_count $(plural "$problem_count" 'thing is' 'things are') wrong with it, see WRONG above" \
    'Copy what is named there again from where it came from. Nothing on this machine has been changed.'
}

# Ends with status $1, message $2 and lines that say what to do.
fail() {
  fail_status=$1
  shift
  say '' "$1" >&2
  shift
  for line in "$@"; do say "  $line" >&2; done
  finish "$fail_status"
}

finish() {
  clean_up
  trap - EXIT
  exit "$1"
}

clean_up() {
  trap '' INT TERM HUP
  stop_jobs
  [ -z "${work-}" ] || rm -rf "$work"
}

stop_jobs() {
  for pid in $consumer $job; do
    # What stands before them in a pipe ends by itself when they are gone.
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  done
  consumer=
  job=
}

# load.sh has one of its own that says what state the engine is in.
interrupted() {
  printf '\n%s\n' 'Stopped. Nothing has been changed.' >&2
  finish 130
}

# Runs something that takes long so that a signal is answered at once, and not when it has ended. What it has to tell, it
# gives to write_answer.
run_job() {
  rm -f "$work/answer"
  "$@" <&3 &
  job=$!
  wait "$job"
  job_status=$?
  job=
  clear_progress
  return "$job_status"
}

# The last line tells that it is all there. printf does not say everywhere that a disk is full.
write_answer() { printf '%s\nend\n' "$1" 2>/dev/null >"$work/answer"; }

# Sets answer to what the job has written.
take_answer() {
  answer=$(cat "$work/answer" 2>/dev/null)
  case "$answer" in
    *"${newline}end") answer=${answer%"${newline}end"} ;;
    *) temp_failed ;;
  esac
}

# The rest of the lines of $1 that begin with the word $2.
lines_of() { printf '%s\n' "$1" | sed -n "s/^$2 //p"; }

plural() { if [ "$1" -eq 1 ]; then printf '%s' "$2"; else printf '%s' "$3"; fi; }

size_text() {
  if [ "$1" -ge 1000000000 ]; then
    printf '%d.%d GB' $(($1 / 1000000000)) $(($1 / 100000000 % 10))
  elif [ "$1" -ge 1000000 ]; then
    printf '%d MB' $((($1 + 500000) / 1000000))
  else
    printf '%d kB' $((($1 + 999) / 1000))
  fi
}

time_text() {
  if [ "$1" -lt 10 ]; then
    printf 'a few seconds'
  elif [ "$1" -lt 90 ]; then
    printf 'about %d seconds' "$1"
  else
    printf 'about %d minutes' $((($1 + 30) / 60))
  fi
}

# --- What this machine has ------------------------------------------------------------------------------------------

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

xz_hint='It is in the package xz-utils (Debian, Ubuntu) or xz (Fedora, RHEL, Alpine, SUSE, Homebrew).'

# Sets xz_tool to what decompresses here, best first; empty where nothing does.
pick_xz() {
  for xz_tool in 'xz -T0' xz unxz xzcat xzdec busybox python3 ''; do
    [ -n "$xz_tool" ] || return 0
    command -v "${xz_tool%% *}" >/dev/null || continue
    # The smallest .xz file: one Stream without a Block.
    printf '\375\067\172\130\132\000\000\001\151\042\336\066\000\000\000\000\034\337\104\041\220\102\231\015\001\000\000\000\000\001\131\132' |
      decompress >/dev/null 2>&1 && return 0
  done
}

decompress() {
  case "$xz_tool" in
    'xz -T0') xz -T0 -dc ;;
    xz) xz -dc ;;
    unxz) unxz -c ;;
    xzcat) xzcat ;;
    xzdec) xzdec ;;
    busybox) busybox xzcat ;;
    python3) python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)' ;;
  esac
}

# --- SHA256SUMS and bundle.json -------------------------------------------------------------------------------------

# Sets sums to lines of "HEX NAME". Windows tools may have given SHA256SUMS other line ends.
read_sums() {
  [ -f "$work/folder.0/SHA256SUMS" ] || fail 5 "Cannot find \"SHA256SUMS\" in ${here%/}" \
    'Copy the whole folder again, and run the script from within the copy.'
  sums=$(awk '
    { sub(/\r$/, "") }
    $0 == "" { next }
    {
      hex = tolower(substr($0, 1, 64)); name = substr($0, 67)
      if (length(hex) != 64 || hex ~ /[^0-9a-f]/ || substr($0, 65, 2) !~ /^ [ *]$/ || name == "" ||
          name ~ /[^A-Za-z0-9._-]/ || name ~ /^[.-]/ || name in seen) { print "bad " NR; exit }
      seen[name] = 1
      print hex, name
    }' "$work/folder.0/SHA256SUMS") || fail 5 'Cannot read "SHA256SUMS"' 'The stick or disc itself may be failing: try another one.'
  bad_line=$(lines_of "$sums" bad)
  [ -z "$bad_line" ] || fail 5 "Cannot read \"SHA256SUMS\": line $bad_line is not a sum and a file name" \
    'The file is damaged. Copy the whole folder again.'
  [ -n "$(sum_listed bundle.json)" ] || fail 5 'Cannot use "SHA256SUMS": bundle.json is not in it' \
    'The file is incomplete. Copy the whole folder again.'
}

# What SHA256SUMS says of the file $1.
sum_listed() { printf '%s\n' "$sums" | awk -v name="$1" '$2 == name { print $1 }'; }

# Sets facts to what bundle.json says, as words on lines, one kind of line for each kind of thing, with all that is in it checked
# to be of the characters it may have: "part NAME SIZE HEX", "image ID SIZE PLATFORM NAMES LAYERS", "layer DIFFID SIZE".
read_bundle() {
  facts=$(awk '
    function after(key, at, rest) {
      at = index($0, "\"" key "\":")
      if (!at) return ""
      rest = substr($0, at + length(key) + 3)
      sub(/^ */, "", rest)
      return rest
    }
    function text(key, rest) {
      rest = after(key)
      if (substr(rest, 1, 1) != "\"") return ""
      rest = substr(rest, 2)
      return substr(rest, 1, index(rest, "\"") - 1)
    }
    function number(key, rest) {
      rest = after(key)
      sub(/[^0-9].*$/, "", rest)
      if (rest !~ /^(0|[1-9][0-9]*)$/ || length(rest) > 15) bad("there is no " key)
      return rest
    }
    function list(key, rest) {
      rest = after(key)
      if (substr(rest, 1, 1) != "[") bad("there are no " key)
      rest = substr(rest, 2, index(rest, "]") - 2)
      gsub(/[" ]/, "", rest)
      return rest == "" ? "-" : rest
    }
    function hex(value) { if (length(value) != 64 || value ~ /[^0-9a-f]/) bad("a sum is not one"); return value }
    function digest(value) { if (substr(value, 1, 7) != "sha256:") bad("a digest is not one"); hex(substr(value, 8)); return value }
    function plain(value) { return value == "" || value ~ /[^A-Za-z0-9._:\/ +-]/ ? "-" : value }
    function bad(why) { if (!isBad) print "bad line " NR ": " why; isBad = 1; exit }
    { sub(/\r$/, "") }
    /^  "format": / { format = text("format"); if (format != "bundlefs-bundle-1") bad("its format is \"" plain(format) "\", and this script reads bundlefs-bundle-1") }
    /^  "tool": / { tool = plain(text("tool")) }
    /^  "created": / { created = plain(text("created")) }
    /^  "archive": / { size = number("size"); sum = hex(text("sha256")); tarSize = number("tarSize"); isSplit = after("isSplit") ~ /^true/; hasArchive = 1 }
    /^  "(parts|images|layers)": \[/ { section = $1; gsub(/[":]/, "", section); if ($0 ~ /\]/) section = ""; next }
    /^  \]/ { section = ""; next }
    section == "parts" {
      name = text("name")
      if (name in parts || (isSplit ? name !~ /^images\.tar\.xz\.[0-9][0-9][0-9]+$/ : name != "images.tar.xz")) bad("a part has a wrong name")
      parts[name] = 1; partCount++; partSize += number("size")
      print "part", name, number("size"), hex(text("sha256"))
    }
    section == "images" {
      names = list("names"); layers = list("layers")
      if (names != "-") {
        count = split(names, each, ",")
        for (i = 1; i <= count; i++) if (each[i] !~ /^[A-Za-z0-9]/ || each[i] ~ /[^A-Za-z0-9._:\/-]/ || each[i] !~ /:[A-Za-z0-9_][A-Za-z0-9_.-]*$/) bad("a name is not the name of an image")
      }
      if (layers != "-") {
        count = split(layers, each, ",")
        for (i = 1; i <= count; i++) used[digest(each[i])] = 1
      }
      platform = plain(text("platform")); gsub(/ /, "", platform)
      imageCount++
      print "image", digest(text("id")), number("size"), platform, names, layers
    }
    section == "layers" { layer = digest(text("diffId")); known[layer] = 1; print "layer", layer, number("size") }
    END {
      if (isBad) exit
      if (format == "" || !hasArchive || !imageCount) bad("it ends too early")
      for (layer in used) if (!(layer in known)) bad("an image has a layer that is not listed")
      if (!partCount && !isSplit) { print "part images.tar.xz", size, sum; partCount = 1; partSize = size + 0 }
      if (partSize != size + 0) bad("the sizes of the parts do not add up")
      gsub(/ /, "_", tool)
      print "bundle", size, tarSize, imageCount, partCount, created, tool
    }' "$work/folder.0/bundle.json") || fail 5 'Cannot read "bundle.json"' 'The stick or disc itself may be failing: try another one.'
  bad_reason=$(lines_of "$facts" bad)
  [ -z "$bad_reason" ] || fail 5 "Cannot read \"bundle.json\": $bad_reason" \
    'It is damaged, or newer than this script. Copy the whole folder again.'
  parts=$(lines_of "$facts" part)
  images=$(lines_of "$facts" image)
  layers=$(lines_of "$facts" layer)
  # shellcheck disable=SC2046 # they are words
  set -- $(lines_of "$facts" bundle)
  [ $# -ge 5 ] || fail 5 'Cannot read "bundle.json": it is not one of bundlefs' 'Copy the whole folder again.'
  archive_size=$1
  tar_size=$2
  image_count=$3
  part_count=$4
  bundle_created=$5
}

# The words of the line $1 of parts. Lists are gone through with for, and not with read: some shells put what is read from
# a variable into a temporary file first.
read_part() {
  # shellcheck disable=SC2086
  set -- $1
  part_name=$1
  part_size=$2
  part_sum=$3
}

read_image() {
  # shellcheck disable=SC2086
  set -- $1
  image_id=$1
  platform=$3
  image_names=$4
  image_layers=$5
}

describe_bundle() {
  say '' "The bundle: $image_count $(plural "$image_count" image images), $(size_text "$archive_size") in $part_count $(plural "$part_count" file files), $(size_text "$tar_size") when unpacked, made $bundle_created."
}

# --- Files and folders ----------------------------------------------------------------------------------------------

# One more folder in which parts may lie.
add_folder() {
  case "$1" in
    /*) folder=$1 ;;
    *) folder=$PWD/$1 ;;
  esac
  [ -d "$folder" ] || fail 2 "Cannot find the folder \"$1\""
  folder_count=$((folder_count + 1))
  link_folder "$folder"
}

# Sets found to where the part $1 lies.
find_part() {
  folder_number=0
  while [ "$folder_number" -le "$folder_count" ]; do
    found=$work/folder.$folder_number/$1
    [ ! -f "$found" ] || return 0
    folder_number=$((folder_number + 1))
  done
  return 1
}

# The same, asking for the disc where it is not here and somebody is there to ask.
get_part() {
  until find_part "$1"; do
    [ -t 3 ] || return 1
    printf '\n  %s\n  %s ' "Please insert the disc with \"$1\"." \
      'Then press Enter, or type the folder where it is; q and Enter stops:' >&2
    read -r answer <&3 || return 1
    case "$answer" in
      q | Q) return 1 ;;
      '') ;;
      *)
        if [ -d "$answer" ]; then
          case "$answer" in /*) ;; *) answer=$PWD/$answer ;; esac
          folder_count=$((folder_count + 1))
          link_folder "$answer"
        else
          say "  There is no folder \"$answer\"." >&2
        fi
        ;;
    esac
  done
}

# shellcheck disable=SC2012 # only the size is read, and find -printf is not everywhere
size_of() { ls -lnL "$1" | awk 'NR == 1 { print $5 }'; }

# Writes the file $1 of $2 bytes to standard output. In portions, so that it can be stopped and progress be shown. Where it
# fails, it sets read_failed; not where nobody wants the rest any more.
read_file() {
  portion=0
  read_failed=
  while [ $((portion * 33554432)) -lt "$2" ]; do
    [ -d "$work" ] || return 1
    { dd_said=$(dd if="$1" bs=1048576 skip=$((portion * 32)) count=32 2>&1 >&5); } 5>&1
    dd_status=$?
    if [ "$dd_status" -ne 0 ]; then
      # Above 128: nobody wants the rest any more, which is no fault of the file.
      [ "$dd_status" -gt 128 ] || read_failed=$(printf '%s\n' "$dd_said" | tail -n 1)
      return 1
    fi
    portion=$((portion + 1))
    show_progress $((portion * 32)) "$2"
  done
}

# What progress is about: the bytes before the present file, the bytes of all.
start_progress() {
  progress_total=$1
  progress_before=0
  progress_start=$(date +%s)
}

show_progress() {
  [ -t 2 ] && [ "$progress_total" -gt 33554432 ] || return 0
  progress=$(($1 * 1048576))
  [ "$progress" -lt "$2" ] || progress=$2
  progress=$((progress + progress_before))
  elapsed=$(($(date +%s) - progress_start))
  left=$((elapsed * ((progress_total - progress) / 1048576) / (progress / 1048576 + 1)))
  printf '\r  %3d %%, %s left     \r' $((progress * 100 / progress_total)) "$(time_text "$left")" >&2
}

clear_progress() { [ ! -t 2 ] || printf '\r%60s\r' '' >&2; }

# Writes the whole images.tar.xz, joined from its parts in the order of bundle.json, to standard output.
join_parts() {
  start_progress "$archive_size"
  IFS=$newline
  for line in $parts; do
    unset IFS
    read_part "$line"
    get_part "$part_name" || {
      read_failed="$part_name is not there"
      return 1
    }
    read_file "$found" "$part_size" || return 1
    progress_before=$((progress_before + part_size))
  done
}

# --- Checks ---------------------------------------------------------------------------------------------------------

write_sum() {
  write_answer "$(
    exec 9>&1
    { read_file "$1" "$2" || [ -z "$read_failed" ] || printf 'failed %s\n' "$read_failed" >&9; } |
      { printf 'sum %s\n' "$(sum_stdin)" >&9; }
  )"
}

# Compares one file with its sum $3; $4 is the name that is shown.
check_sum() {
  run_job write_sum "$1" "$2"
  take_answer
  read_failed=$(lines_of "$answer" failed)
  found_sum=$(lines_of "$answer" sum)
  if [ -n "$read_failed" ]; then
    problem "$4 cannot be read: $read_failed" 'The stick or disc itself may be failing: try another one.'
  elif [ "$found_sum" = "$3" ]; then
    item ok "$4"
  else
    twin=$(printf '%s\n' "${parts-}" | awk -v sum="$found_sum" '$3 == sum { print $1 }')
    if [ -n "$twin" ]; then
      problem "$4 holds what should be in $twin" 'Files were renamed: give them their own names again.'
    else
      problem "$4 is damaged: its content is not what it was when the bundle was made" 'Copy this file again.'
    fi
  fi
}

# Everything but the archive: it takes a moment, and bundle.json must be right before it is believed.
check_small_files() {
  start_progress 0
  read_sums
  for name in bundle.json $(printf '%s\n' "$sums" | awk '$2 != "bundle.json" && $2 !~ /^images\.tar\.xz(\.[0-9]+)?$/ { print $2 }'); do
    path=$work/folder.0/$name
    if [ ! -f "$path" ]; then
      problem "$name is missing" 'Copy this file again.'
    elif [ ! -r "$path" ]; then
      problem "$name may not be read by this user" 'Run this as root (sudo), or copy the folder to a place of your own.'
    else
      check_sum "$path" "$(size_of "$path")" "$(sum_listed "$name")" "$name"
    fi
    [ "$name" != bundle.json ] || stop_at_problems
  done
  read_bundle
}

# Whether the parts are there and have their sizes, and whether there are others. Quick, so before anything that is slow.
check_parts_listed() {
  elsewhere_count=0
  IFS=$newline
  for line in $parts; do
    unset IFS
    read_part "$line"
    [ "$(sum_listed "$part_name")" = "$part_sum" ] ||
      problem "$part_name has other sums in SHA256SUMS and bundle.json" 'They come from two bundles: copy the whole folder again.'
    if ! find_part "$part_name"; then
      elsewhere_count=$((elsewhere_count + 1))
      if [ "${is_present_only-no}" = no ] && [ ! -t 3 ]; then
        problem "$part_name is missing" 'Copy this file again, or say where it is: --parts FOLDER'
      fi
    else
      found_size=$(size_of "$found")
      if [ "$found_size" -lt "$part_size" ] && ! is_size_of_another; then
        problem "$part_name is cut off: $found_size of $part_size bytes are there" \
          'The copy was stopped, or the stick was full. Copy this file again.'
      elif [ "$found_size" -ne "$part_size" ] && ! is_size_of_another; then
        problem "$part_name is too long: $found_size bytes, and $part_size were wanted" 'Copy this file again.'
      fi
    fi
  done
  for name in $(printf '%s\n-\n%s\n' "$parts" "$sums" | awk '
    $1 == "-" { isSum = 1; next }
    !isSum { known[$1] = 1; next }
    $2 ~ /^images\.tar\.xz(\.[0-9]+)?$/ && !($2 in known) { print $2 }'); do
    problem "$name is in SHA256SUMS and not in bundle.json" 'They come from two bundles: copy the whole folder again.'
  done
  [ "$elsewhere_count" -eq 0 ] || [ "${is_present_only-no}" = yes ] || [ ! -t 3 ] ||
    warn "$elsewhere_count of $part_count parts are not here. You will be asked for their discs."
  warn_of_extra_parts
}

# A part with the size of another one was perhaps renamed: then its sum tells what it is.
is_size_of_another() { printf '%s\n' "$parts" | awk -v size="$found_size" -v name="$part_name" '$2 == size && $1 != name { hit = 1 } END { exit !hit }'; }

warn_of_extra_parts() {
  set +f
  for path in "$work"/folder.*/images.tar.xz*; do
    extra=${path##*/}
    case "$extra" in *[!A-Za-z0-9._-]*) extra='another file named images.tar.xz...' ;; esac
    [ ! -f "$path" ] || printf '%s\n' "$parts" | awk -v name="$extra" '$1 == name { hit = 1 } END { exit !hit }' ||
      warn "$extra does not belong to this bundle and is not used. It may be left from an older copy."
  done
  set -f
}

# The slow one: reads every byte.
check_part_sums() {
  start_progress "$archive_size"
  IFS=$newline
  for line in $parts; do
    unset IFS
    read_part "$line"
    if [ "${is_present_only-no}" = yes ]; then find_part "$part_name" || continue; fi
    if ! get_part "$part_name"; then
      # Where nobody can be asked it has been reported already.
      [ ! -t 3 ] || problem "$part_name was not found"
      continue
    fi
    found_size=$(size_of "$found")
    if [ "$found_size" -eq "$part_size" ] || is_size_of_another; then
      check_sum "$found" "$found_size" "$part_sum" "$part_name"
    fi
    progress_before=$((progress_before + part_size))
  done
  elapsed=$(($(date +%s) - progress_start))
  sum_rate=$((archive_size / (elapsed + 1)))
}

# Unpacks everything and keeps nothing. Tells of what failed, and of images of which something is missing: a name on the
# listing of the tar is "blobs/sha256/HEX".
write_content() {
  write_answer "$(
    exec 9>&1
    { join_parts || [ -z "$read_failed" ] || printf 'failed %s\n' "$read_failed" >&9; } |
      {
        { xz_said=$(decompress 2>&1 >&8); } 8>&1
        tell_status xz "$?" "$xz_said"
      } | {
      { tar_said=$(tar -tf - 2>&1 >&8); } 8>&1
      tell_status tar "$?" "$tar_said"
      # Not every tar reads to the end, and xz must.
      cat >/dev/null
    } | {
      printf '%s\n-\n' "$images"
      cat
    } | awk '
      isListing { sub(/^\.\//, ""); there[$0] = 1; next }
      $1 == "-" { isListing = 1; next }
      { order[++count] = $1; layers[count] = $5 }
      END {
        for (at = 1; at <= count; at++) {
          last = split(order[at] "," layers[at], digests, ",")
          for (i = 1; i <= last; i++) if (digests[i] != "-" && !(("blobs/sha256/" substr(digests[i], 8)) in there)) {
            print "lacking", order[at], digests[i]
            break
          }
        }
        print "listed"
      }' >&9
  )"
}

# "NAME STATUS" and the last line of what it said.
tell_status() { printf '%s %s %s\n' "$1" "$2" "$(printf '%s\n' "$3" | tail -n 1)" >&9; }

# Decompresses everything once, which checks every block, and looks for all that images are made of in what comes out.
check_content() {
  say '' "Compression ($xz_tool) and images: $(size_text "$tar_size") are unpacked, and kept nowhere"
  run_job write_content
  take_answer
  read_failed=$(lines_of "$answer" failed)
  if [ -n "$read_failed" ]; then
    problem "the archive cannot be read: $read_failed" 'The stick or disc itself may be failing: try another one.'
    return
  fi
  xz_answer=$(lines_of "$answer" xz)
  tar_answer=$(lines_of "$answer" tar)
  # The three are told of in any order.
  case "$xz_answer|$tar_answer|$newline$answer$newline" in
    [0-9]*'|'[0-9]*'|'*"${newline}listed$newline"*) ;;
    *) fail 3 'Cannot check the content: one of its programs could not be started, or was ended from outside' 'There may be too little memory. The sums alone: sh verify.sh --quick' ;;
  esac
  if [ "${xz_answer%% *}" -ne 0 ]; then
    problem "the compressed data is damaged: ${xz_answer#* }" 'The bundle was damaged before its sums were made: ask for a new one.'
    return
  fi
  item ok 'compressed data'
  if [ "${tar_answer%% *}" -ne 0 ]; then
    problem "the tar archive is damaged: ${tar_answer#* }" 'Ask for a new bundle.'
    return
  fi
  IFS=$newline
  for line in $images; do
    unset IFS
    read_image "$line"
    missing=
    case "$newline$answer" in
      *"${newline}lacking $image_id "*) missing=$(lines_of "$answer" "lacking $image_id") ;;
    esac
    if [ -z "$missing" ]; then
      item ok "$(image_title "$image_id" "$image_names")"
    else
      problem "$(image_title "$image_id" "$image_names") is incomplete: $missing is not in the archive" 'Ask for a new bundle.'
    fi
  done
}

# Its names, or what it can be called where it has none.
image_title() {
  if [ "$2" = - ]; then
    printf 'an image without a name (%.19s)' "$1"
  else
    printf '%s' "$2" | sed 's/,/, /g'
  fi
}

# The last lines, so that a file that was cut off does nothing but say so.
verify_is_whole=yes
[ "${bundlefs_wants-}" = functions ] || verify_main "$@"
