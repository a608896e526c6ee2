#!/bin/sh
# Rebuilds a bundle from the one before it and from what a delta holds. A delta is this script with facts and delta.sh
# before it, its steps behind it, and then the blocks (docs/format.md, "The delta"); by itself it does nothing.
# Needs POSIX sh, dd, sha256sum and what every Unix has: cat, cut, df, ls, mkdir, mv, rm, tail. No awk, no xz, no engine.
# shellcheck disable=SC2154 # facts and delta.sh stand before this in a delta, the steps behind it

apply_usage() {
  printf '%s\n' "Usage: sh $own_name [options] OLD

Makes $(list_new_archive) again, equal to the byte to the one that $delta_tool made, from OLD and
from what is in this file. OLD is only read. Nothing half-written is ever seen under its own name.

  OLD               the bundle before: images.tar.xz, or the folder (stick) with it or its parts; the folder
                    of this file where left out

  -o, --output NEW  the folder to write to, made where it is not there (default: new-bundle, here). May be the
                    folder of OLD: then the new bundle takes its place when all of it is there and is right
  --parts DIR       look for parts of OLD in DIR too; may be given several times
  --stdout          write images.tar.xz to standard output and nothing to disk: sh $own_name --stdout OLD | docker load
  --dry-run         check and say everything, write nothing
  --no-space-check  write also where there seems to be too little space
  --help            this text

Needs $(size_text "$new_size") in NEW, and nothing with --stdout. May be stopped and run again at any time.

Exit statuses
  0    the new bundle is there and is right (with --dry-run: nothing speaks against it)
  2    the command line is wrong
  3    a tool is missing on this machine (sha256sum, dd, cut …)
  5    this file, or OLD, is missing, incomplete (cut off) or damaged
  6    too little space
  7    NEW cannot be written, or has the small files of another bundle, which this file does not bring
  9    OLD is another bundle than the one that this delta continues
  130  stopped (Ctrl-C); nothing was changed"
}

apply_main() {
  start_apply
  read_arguments "$@"
  pick_sum_tool
  pick_dd
  check_own_file
  say "$delta_tool: $(list_new_archive), $(size_text "$new_archive_size"), made $new_created" \
    "  $(size_text "$((new_archive_size - delta_archive_size))") of it come from OLD, the rest from this file."
  [ "$is_streaming" = yes ] || look_at_new
  if [ "$build_count" -gt 0 ]; then
    find_old
    check_old
    check_delta
    [ "$is_streaming" = yes ] || check_space
  fi
  if [ "$is_dry_run" = yes ]; then
    say '' 'Nothing speaks against it. Nothing was written (--dry-run).'
    finish 0
  fi
  if [ "$is_streaming" = yes ]; then stream_archive; else write_new; fi
}

# --- Starting, speaking, ending -------------------------------------------------------------------------------------

start_apply() {
  start_delta
  need_tools cat cut df ls mkdir mv rm tail
  old=
  new='new-bundle'
  old_count=0
  folder_count=0
  build_count=1
  build_size=0
  staging=
  job=
  is_streaming=no
  is_dry_run=no
  is_space_checked=yes
  is_started=no
  trap 'interrupted' INT TERM HUP
}

clean_up() {
  # What it has started ends by itself: it looks whether this shell is still there.
  [ -z "$job" ] || { kill "$job" && wait "$job"; } 2>/dev/null
  remove_staging
}

# Runs something that takes long so that a signal is answered at once, and not when it has ended.
run_job() {
  "$@" &
  job=$!
  wait "$job"
  job_status=$?
  job=
  clear_progress
  return "$job_status"
}

interrupted() {
  clear_progress
  if [ "$is_streaming" = yes ] && [ "$is_started" = yes ]; then
    printf '\n%s\n' 'Stopped: what was written to standard output is not whole.' >&2
  else
    printf '\n%s\n' 'Stopped. Nothing has been changed.' >&2
  fi
  finish 130
}

# What an interrupted run staged is of no use to anybody but the next run, which makes it again as quickly. Where there
# was nothing to make, a run before left it, in the middle of giving names: OLD may be gone by now, and this is all there is.
remove_staging() { [ -z "$staging" ] || [ "$build_count" -eq 0 ] || rm -rf "$staging"; }

# Of $1 bytes, $2 are done.
show_progress() {
  [ ! -t 2 ] || [ "$1" -lt 33554432 ] || printf '\r  %3d %% of %s \r' $(($2 / ($1 / 100))) "$(size_text "$1")" >&2
}

read_arguments() {
  while [ $# -gt 0 ]; do
    case "$1" in
      -o | --output | --parts)
        [ -n "${2-}" ] || fail 2 "Cannot read the command line: $1 wants a folder" "sh $own_name --help has the details."
        case "$1" in
          --parts) add_folder "$2" ;;
          *) new=$2 ;;
        esac
        shift
        ;;
      --stdout) is_streaming=yes ;;
      --dry-run) is_dry_run=yes ;;
      --no-space-check) is_space_checked=no ;;
      --help | -h)
        apply_usage
        finish 0
        ;;
      -*) fail 2 "Cannot read the command line: there is no option \"$1\"" "sh $own_name --help lists what there is." ;;
      *)
        [ -z "$old" ] || fail 2 "Cannot read the command line: only one OLD was expected, and \"$1\" is a second one" \
          "Where to write is said with -o: sh $own_name -o NEW OLD"
        old=$1
        ;;
    esac
    shift
  done
  old=${old:-$own_folder}
  # A path that begins with "-" would be taken for an option.
  case "$new" in /*) ;; *) new=$PWD/$new ;; esac
  case "$old" in /*) ;; *) old=$PWD/$old ;; esac
  if [ "$is_streaming" = yes ]; then
    [ ! -t 1 ] || [ "$is_dry_run" = yes ] || fail 2 'Cannot write a bundle to a terminal' "sh $own_name --stdout OLD | docker load"
    exec 4>&1 1>&2
  fi
}

add_folder() {
  [ -d "$1" ] || fail 2 "Cannot find the folder \"$1\""
  folder_count=$((folder_count + 1))
  case "$1" in
    /*) eval "folder_$folder_count=\$1" ;;
    *) eval "folder_$folder_count=\$PWD/\$1" ;;
  esac
}

# --- What this machine has ------------------------------------------------------------------------------------------

# GNU's and busybox's dd count in bytes when they are asked to; any other does in blocks, which is slower.
pick_dd() {
  command -v dd >/dev/null || fail 3 'Cannot read parts of files: there is no dd on this machine' \
    'On Debian and Ubuntu it is in the package coreutils.'
  has_byte_dd=no
  [ "$(dd if="$own_path" bs=4 iflag=skip_bytes,count_bytes skip=1 count=6 2>/dev/null)" != '!/bin/' ] || has_byte_dd=yes
}

# --- Copying --------------------------------------------------------------------------------------------------------

# Writes $3 bytes of the file $1, from byte $2 on, to standard output (as file 5). In portions, so that it can be stopped.
copy_range() {
  range_start=$2
  range_left=$3
  while [ "$range_left" -gt 0 ]; do
    portion=67108864
    [ "$portion" -le "$range_left" ] || portion=$range_left
    if [ "$has_byte_dd" = yes ]; then
      dd_said=$(dd if="$1" bs=1048576 iflag=skip_bytes,count_bytes skip="$range_start" count="$portion" 2>&1 >&5) || return 1
    else
      copy_blocks "$1" "$range_start" "$portion" || return 1
    fi
    # Where the script was stopped, what it has started ends here.
    dd_said=
    kill -0 $$ 2>/dev/null || return 1
    range_start=$((range_start + portion))
    range_left=$((range_left - portion))
    copied=$((copied + portion))
    show_progress "$copied_total" "$copied"
  done
}

# The same with what POSIX says of dd: it goes on where the one before it stopped in the same open file.
copy_blocks() {
  # A shell ends where exec cannot open something.
  [ -r "$1" ] || { dd_said="$1 cannot be opened"; return 1; }
  exec 6<"$1"
  dd bs=65536 skip=$(($2 / 65536)) count=0 <&6 2>/dev/null || return 1
  [ $(($2 % 65536)) -eq 0 ] || dd bs=$(($2 % 65536)) skip=1 count=0 <&6 2>/dev/null || return 1
  [ "$3" -lt 65536 ] || dd_said=$(dd bs=65536 count=$(($3 / 65536)) <&6 2>&1 >&5) || return 1
  [ $(($3 % 65536)) -eq 0 ] || dd_said=$(dd bs=$(($3 % 65536)) count=1 <&6 2>&1 >&5) || return 1
  exec 6<&-
}

# Bytes of this file, counted from where the blocks begin.
copy_new() { copy_range "$own_path" $((delta_size - delta_block_size + $1)) "$2"; }

# Bytes of OLD, whose parts count as one file.
copy_old() {
  old_at=$1
  old_left=$2
  number=1
  part_start=0
  while [ "$old_left" -gt 0 ] && [ "$number" -le "$old_count" ]; do
    eval "part_path=\$old_path_$number part_size=\$old_size_$number"
    if [ $((old_at - part_start)) -lt "$part_size" ]; then
      count=$((part_start + part_size - old_at))
      [ "$count" -le "$old_left" ] || count=$old_left
      copy_range "$part_path" $((old_at - part_start)) "$count" || return 1
      old_at=$((old_at + count))
      old_left=$((old_left - count))
    fi
    part_start=$((part_start + part_size))
    number=$((number + 1))
  done
}

# shellcheck disable=SC2030
# Runs the steps of the new file $1 of $2 bytes: writes it to standard output. Of a failure the reason goes to file 2.
produce() {
  delta_steps | (
    exec 5>&1
    is_wanted=no
    dd_said=
    copied=0
    copied_total=$2
    while read -r kind position length; do
      case "$is_wanted$kind" in
        nofile) [ "$position" != "$1" ] || is_wanted=yes ;;
        yesfile) break ;;
        yesold) copy_old "$position" "$length" || fail_producing ;;
        yesnew) copy_new "$position" "$length" || fail_producing ;;
      esac
    done
  )
}

# shellcheck disable=SC2031 # it is called within the same subshell
fail_producing() {
  clear_progress
  case "$dd_said" in
    *'o space left'* | *'uota exceeded'*) exit 6 ;;
    # Nothing is said where a signal ended it: nobody wants the rest any more.
    '' | *'roken pipe'*) exit 141 ;;
    *'ile too large'*) exit 27 ;;
    *'error writing'* | *'write error'* | *'writing'*) dd_status=7 ;;
    *) dd_status=5 ;;
  esac
  printf '%s\n' "$dd_said" | tail -n 1 | show_lines '  dd says: ' >&2
  exit "$dd_status"
}

# --- This file and OLD ----------------------------------------------------------------------------------------------

# The blocks in this file, before anything is built from them.
check_delta() {
  found_sum=$(sum_range copy_new 0 "$delta_block_size")
  [ "$found_sum" = "$delta_block_sha256" ] || fail 5 "Cannot use \"$own_name\": it is damaged, its blocks are not what they were when it was made" \
    'Copy this file again.'
  item ok "this file: $(size_text "$delta_block_size") of blocks"
}

# The sum of what "$1 START LENGTH" copies.
sum_range() {
  {
    exec 5>&1
    copied=0
    copied_total=$3
    "$1" "$2" "$3" 2>/dev/null
  } | sum_stdin
}

# One more file of OLD.
add_old() {
  old_count=$((old_count + 1))
  eval "old_path_$old_count=\$1 old_size_$old_count=\$(size_of \"\$1\")"
  eval "old_found_size=\$((old_found_size + old_size_$old_count))"
}

# Sets found to where the part $1 of OLD lies.
find_part() {
  found=$old/$1
  [ ! -f "$found" ] || return 0
  folder_number=1
  while [ "$folder_number" -le "$folder_count" ]; do
    eval "found=\$folder_$folder_number/\$1"
    [ ! -f "$found" ] || return 0
    folder_number=$((folder_number + 1))
  done
  return 1
}

find_old() {
  old_found_size=0
  if [ -f "$old" ]; then
    case "$old" in
      */images.tar.xz.[0-9]*) old=${old%/*} ;;
      *)
        add_old "$old"
        return
        ;;
    esac
  fi
  [ -d "$old" ] || fail 5 "Cannot find \"$old\"" 'OLD is the bundle before: images.tar.xz, or the folder (stick) that it lies in.'
  if find_part images.tar.xz; then
    add_old "$found"
    # Where parts lie there too, the file is taken only if it can be the one.
    [ "$old_found_size" -ne "$old_size" ] || return 0
  fi
  part_number=1
  while find_part "images.tar.xz.$(printf '%03d' "$part_number")"; do
    if [ "$part_number" -eq 1 ]; then
      old_count=0
      old_found_size=0
    fi
    add_old "$found"
    part_number=$((part_number + 1))
  done
  [ "$old_count" -gt 0 ] || fail 5 "Cannot find the bundle before in \"$old\": there is no images.tar.xz and no images.tar.xz.001" \
    "Name the file, or its folder: sh $own_name OLD"
  [ "$part_number" -eq 1 ] || [ "$old_found_size" -ge "$old_size" ] ||
    fail 5 "Cannot use \"$old\": $((part_number - 1)) parts with $(size_text "$old_found_size") of $(size_text "$old_size") are there" \
      "A part is missing or cut off. Is images.tar.xz.$(printf '%03d' "$part_number") elsewhere? Then: --parts FOLDER"
}

# By its size and its end, which has the list of all its blocks: this takes a moment. The rest shows in the sum of what is built.
check_old() {
  [ "$old_found_size" -eq "$old_size" ] || other_bundle "it has $old_found_size bytes, not $old_size"
  found_sum=$(sum_range copy_old $((old_size - old_tail_size)) "$old_tail_size")
  [ "$found_sum" = "$old_tail_sha256" ] || other_bundle 'it has the same size, but other images'
  item ok "OLD is the bundle that this delta continues: $old_title, $(size_text "$old_size")"
}

other_bundle() {
  if [ "$old_found_size" -eq "$new_archive_size" ] && [ "$(sum_range copy_old 0 "$old_found_size")" = "$new_archive_sha256" ]; then
    fail 9 "Cannot rebuild from \"$old\": it is the new bundle already" 'There is nothing to do: load it.'
  fi
  fail 9 "Cannot rebuild from \"$old\": $1" \
    "This delta continues another bundle: $old_title, $old_size bytes, sha256 $old_sha256" \
    'Find that one, or ask for the full bundle, or for a delta against the one you have.'
}

# After something came out wrong: says whether OLD is at fault, which takes reading all of it.
explain_wrong_sum() {
  clear_progress
  if [ "$(sum_range copy_old 0 "$old_size")" != "$old_sha256" ]; then
    fail 5 "Cannot rebuild $1: OLD is damaged, or parts of it were replaced" "Copy \"$old\" again from where it came from, or ask for the full bundle."
  fi
  fail 7 "Cannot rebuild $1: what was written is not what was to be written" \
    'OLD and this file are right, so the disk that NEW is on may be failing, or the memory of this machine. Try another disk.'
}

# --- Writing --------------------------------------------------------------------------------------------------------

# Whether the file $1 has $2 bytes with the sum $3.
is_right() { [ -f "$1" ] && [ "$(size_of "$1")" -eq "$2" ] && [ "$(sum_stdin <"$1")" = "$3" ]; }

# What of NEW is there already, and what is to be built. A run that a power cut ended may have left whole files staged.
look_at_new() {
  build_count=0
  place_count=0
  [ ! -e "$new" ] || [ -d "$new" ] || fail 2 "Cannot write to \"$new\": it is not a folder"
  IFS=$newline
  for line in $new_files; do
    unset IFS
    read_new "$line"
    if is_right "$new/$name" "$size" "$sum"; then
      item 'is there' "$name"
      continue
    fi
    place_count=$((place_count + 1))
    is_right "$new/.bundlefs-new/$name" "$size" "$sum" && continue
    build_count=$((build_count + 1))
    build_size=$((build_size + size))
  done
  [ "$place_count" -gt 0 ] || { say '' "All of it is in $new already, and is right. There is nothing to do."; finish 0; }
  check_companions
}

# What lies beside an archive describes it: with another one there, its load.sh would refuse the stick.
check_companions() {
  for companion in SHA256SUMS bundle.json; do
    [ -e "$new/$companion" ] || continue
    case "
$new_files" in *"
$companion "*) continue ;; esac
    described=$(cat "$new/$companion" 2>/dev/null)
    IFS=$newline
    for line in $new_files; do
      unset IFS
      read_new "$line"
      case "$described" in *"$sum"*) ;; *)
        fail 7 "Cannot write to \"$new\": its $companion describes another bundle, and this delta brings $(list_new_archive) alone" \
          "Its load.sh would refuse what is made. Write to another folder: sh $own_name -o FOLDER OLD" \
          'or ask for a delta with the whole stick (made without --archive-only). Nothing was changed.' ;;
      esac
    done
  done
}

# Asked of the folder that is there: NEW itself may not be yet.
check_space() {
  place=$new
  while [ ! -d "$place" ]; do
    place=${place%/*}
    place=${place:-/}
  done
  free_space=$(free_at "$place")
  if [ -z "$free_space" ]; then
    item NOTE "$(size_text "$build_size") are needed in $new; what is free there cannot be seen"
  elif [ "$is_space_checked" = yes ] && [ "$free_space" -lt "$build_size" ]; then
    fail 6 "Cannot write to \"$new\": $(size_text "$build_size") are needed there, and $(size_text "$free_space") are free" \
      "Make room, or write to another disk: sh $own_name -o /big/disk/new-bundle OLD" \
      "Without any space: sh $own_name --stdout OLD | docker load" 'If you know better: --no-space-check'
  else
    item ok "space: $(size_text "$build_size") needed in $new, $(size_text "$free_space") free"
  fi
}

# All files are built under other names and checked; only when all are right do they get their own, in a moment.
write_new() {
  mkdir -p "$new" 2>/dev/null || fail 7 "Cannot make the folder \"$new\""
  staging=$new/.bundlefs-new
  mkdir -p "$staging" 2>/dev/null
  [ -w "$staging" ] || {
    staging=
    fail 7 "Cannot write to \"$new\": this user may not, or it is read-only" "Name another place: sh $own_name -o FOLDER OLD"
  }
  say '' "Writing to $new"
  IFS=$newline
  for line in $new_files; do
    unset IFS
    read_new "$line"
    ! is_right "$new/$name" "$size" "$sum" || continue
    ! is_right "$staging/$name" "$size" "$sum" || continue
    run_job produce "$name" "$size" >"$staging/$name"
    stop_at_failure $? "$name"
    is_right "$staging/$name" "$size" "$sum" || explain_wrong_sum "$name"
    item ok "$name"
  done
  sync 2>/dev/null
  trap '' INT TERM HUP
  IFS=$newline
  for line in $new_files; do
    unset IFS
    read_new "$line"
    [ -f "$staging/$name" ] || continue
    mv -f "$staging/$name" "$new/$name" || {
      # The others are right: the next run goes on with them, and needs no OLD.
      staging=
      fail 7 "Cannot give \"$new/$name\" its name" 'Find out why, and run this again: the rest is ready.'
    }
  done
  sync 2>/dev/null
  rm -rf "$staging"
  note_old_files
  say '' "Done: $new is the new bundle, equal to the byte to the one that was made."
  case "$new_files" in
    *load.sh*) say "  To load it: sh $new/load.sh" ;;
  esac
  finish 0
}

# Where the new bundle has fewer parts than the one before it in the same folder.
note_old_files() {
  number=0
  while [ "$number" -le 999 ]; do
    name=images.tar.xz.$(printf '%03d' "$number")
    [ "$number" -gt 0 ] || name=images.tar.xz
    number=$((number + 1))
    if [ ! -f "$new/$name" ]; then
      [ "$number" -gt 1 ] || continue
      return
    fi
    case "
$new_files" in
      *"
$name "*) ;;
      *) item NOTE "$name is of the bundle before and is no longer needed" ;;
    esac
  done
}

stop_at_failure() {
  case "$1" in
    0) ;;
    5) fail 5 "Cannot rebuild $2: OLD or this file cannot be read" 'The stick or disc itself may be failing: copy both to this machine, and run this there.' ;;
    6) fail 6 "Cannot write $2: the disk is full" 'Nothing has been changed. Make room, or name another place with -o, and run this again.' ;;
    27) fail 7 "Cannot write $2: the file system of \"$new\" cannot hold a file of $(size_text "$new_archive_size")" \
      'FAT32 holds files of 4 GB at most: write to another disk, or ask for a delta that makes parts.' ;;
    141) fail 7 'Cannot write to standard output: whoever read it has ended' ;;
    *) fail 7 "Cannot write $2" ;;
  esac
}

# Builds it twice: once for its sum alone, so that the reader gets nothing that is wrong, and needs no space for it.
stream_archive() {
  [ "$(produce_archive | sum_stdin)" = "$new_archive_sha256" ] || explain_wrong_sum images.tar.xz
  clear_progress
  item ok 'what is built from them is right; writing it to standard output'
  is_started=yes
  # Its exit statuses say more than those of a pipe.
  run_job produce_archive >&4
  stop_at_failure $? images.tar.xz
  finish 0
}

produce_archive() {
  IFS=$newline
  for line in $new_files; do
    unset IFS
    read_new "$line"
    case "$name" in
      images.tar.xz*) produce "$name" "$size" || return ;;
    esac
  done
}

# Its name, or those of its first and last parts.
list_new_archive() {
  first=
  last=
  IFS=$newline
  for line in $new_files; do
    unset IFS
    read_new "$line"
    case "$name" in images.tar.xz*) ;; *) continue ;; esac
    first=${first:-$name}
    last=$name
  done
  [ "$first" = "$last" ] || first="$first to $last"
  printf '%s' "$first"
}
