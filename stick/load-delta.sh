#!/bin/sh
# Loads new images into an engine that has those they build upon: this file brings only the layers that these lack.
# In a delta it stands behind facts and delta.sh, before its lists and the archive; by itself it does nothing.
# shellcheck disable=SC2154 # facts and delta.sh stand before this in a delta, the lists behind it

load_usage() {
  printf '%s\n' "Usage: sh $own_name [options]

Loads new images into docker on this machine, which must have the images that they build upon. Checks that first,
changes nothing where it is not so, and checks each image afterwards. It may be run again at any time.

  --host ADDRESS  another engine: as docker -H
  --dry-run       check and say everything, load nothing
  --help          this text

Made for docker with $kind_text. Exit statuses
  0    all images are in the engine and are what they should be (with --dry-run: nothing speaks against it)
  2    the command line is wrong
  3    a tool is missing on this machine (docker, sha256sum)
  4    the engine does not answer, this user may not use it, or it is of another kind
  5    this file is incomplete or damaged
  7    loading failed, or an image is not what it should be; the last lines say which
  9    the engine lacks what this delta builds upon, or has it in a form on which nothing can be built
  130  stopped (Ctrl-C)"
}

load_main() {
  start_delta
  host=
  is_dry_run=no
  is_loading=no
  names_right=
  trap 'interrupted' INT TERM HUP
  case "$delta_kind" in
    containerd-store) kind_text="containerd's image store" ;;
    *) kind_text='its own image store' ;;
  esac
  while [ $# -gt 0 ]; do
    case "$1" in
      --host)
        [ -n "${2-}" ] || fail 2 'Cannot read the command line: --host wants an address'
        host=$2
        shift
        ;;
      --dry-run) is_dry_run=yes ;;
      --help | -h)
        load_usage
        finish 0
        ;;
      *) fail 2 "Cannot read the command line: there is no option \"$1\"" "sh $own_name --help lists what there is." ;;
    esac
    shift
  done
  need_tools cut sort tail tr
  pick_sum_tool
  check_own_file
  say "$delta_tool: $(size_text "$delta_block_size") of new layers"
  [ "$(read_archive | sum_stdin)" = "$delta_block_sha256" ] ||
    fail 5 "Cannot use \"$own_name\": it is damaged" 'Copy this file again.'
  item ok 'this file'
  find_engine
  check_chains
  note_names
  if [ "$is_dry_run" = yes ]; then
    say '' 'Nothing speaks against loading. Nothing was changed (--dry-run).'
    finish 0
  fi
  is_loading=yes
  load_archive
  report_images
}

clean_up() { [ -z "${probe-}" ] || engine rm -v "$probe" >/dev/null 2>&1; }

interrupted() {
  if [ "$is_loading" = yes ]; then
    # What was not checked is not left under a name that somebody trusts.
    IFS=$newline
    for unchecked in $names_before; do
      unset IFS
      case " $names_right " in *" ${unchecked% *} "*) ;; *) put_back "${unchecked% *}" ;; esac
    done
    unset IFS
    printf '\n%s\n' 'Stopped. Names of images that were not checked yet point to what they did before; run this again.' >&2
  else
    printf '\n%s\n' 'Stopped. Nothing has been changed.' >&2
  fi
  finish 130
}

engine() { if [ -n "$host" ]; then docker -H "$host" "$@"; else docker "$@"; fi </dev/null; }

read_archive() { tail -c "$delta_block_size" "$own_path"; }

# --- Before ---------------------------------------------------------------------------------------------------------

find_engine() {
  command -v docker >/dev/null || fail 3 'Cannot load: there is no docker on this machine, or not on the PATH'
  case "$(docker --version 2>/dev/null)" in
    *[Pp]odman*) fail 4 'Cannot load into podman: it wants every layer in the archive, also those it has' 'Ask for the full bundle.' ;;
  esac
  version=$(engine version --format '{{.Server.Version}}' 2>&1) || {
    printf '%s\n' "$version" | show_lines '  docker says: ' >&2
    fail 4 'Cannot reach the engine, or this user may not use it' 'Is it running? Does it want root? Then: sudo sh '"$own_name"
  }
  case "$(engine info --format '{{.DriverStatus}}' 2>/dev/null)" in
    *io.containerd.snapshotter*) found_kind=containerd-store ;;
    *) found_kind=docker ;;
  esac
  [ "$found_kind" = "$delta_kind" ] || fail 4 "Cannot load: this delta is for docker with $kind_text, and this engine has another one ($found_kind)" \
    "Ask for a delta made with --for $found_kind, or for the full bundle."
  item ok "docker $version with $kind_text"
}

# Whether the engine has what was left out: layers count as part of a chain, with all that lie below them.
check_chains() {
  image_ids=$(engine images -aq --no-trunc 2>/dev/null | sort -u)
  there=
  # shellcheck disable=SC2086
  [ -z "$image_ids" ] || there=$(engine image inspect --format '{{.Id}} {{range .RootFS.Layers}}{{.}},{{end}}' $image_ids 2>/dev/null)
  missing=
  missing_count=0
  names_missing=
  names_pulled=
  IFS=$newline
  for line in $(delta_chains); do
    unset IFS
    chain=${line%% *}
    names=${line##* }
    ids=${line#* }
    ids=${ids%% *}
    # Only in containerd does it matter where they came from.
    [ "$delta_kind" != docker ] || ids=-
    ! has_chain "$chain" "$ids" || continue
    if has_chain "$chain" -; then
      names_pulled=${names_pulled:+$names_pulled,}$names
    else
      names_missing=${names_missing:+$names_missing,}$names
      list_missing "$chain"
    fi
  done
  unset IFS
  if [ "$missing_count" -gt 0 ]; then
    set -f
    IFS=$newline
    # shellcheck disable=SC2086 # a word for each layer
    set -- $missing
    unset IFS
    set +f
    fail 9 "Cannot load: $missing_count of the layers that this delta builds upon $(plural "$missing_count" 'is' 'are') not in this engine:" \
      "$@" \
      "They belong to: $(list_once "$names_missing")" \
      ${names_pulled:+"There, but not loaded from a bundle of bundlefs, which will not do either: $(list_once "$names_pulled")"} \
      'Load these first, or ask for the full bundle. Nothing was changed.'
  fi
  [ -z "$names_pulled" ] ||
    fail 9 "Cannot load: the images that this delta builds upon were not loaded from a bundle of bundlefs: $(list_once "$names_pulled")" \
      'They were pulled, or loaded from another archive, and this engine has their files but not their layers as they' \
      'were packed: what is built upon them could be run, but never be saved or pushed.' \
      'Ask for the full bundle. With that in the engine, the next delta will do.'
  item ok 'the layers that these images build upon are there'
}

# Words with commas between them, each once.
list_once() {
  listed=
  for word in $(printf '%s' "$1" | tr ',' ' '); do
    case ", $listed," in *", $word,"*) ;; *) listed=${listed:+$listed, }$word ;; esac
  done
  printf '%s' "$listed"
}

# Whether an image that is there has all layers of $1 below its own, and one of the ids $2 (- for any).
has_chain() {
  IFS=$newline
  for there_line in $there; do
    unset IFS
    case "${there_line#* }" in
      "$1,"*) case ",$2," in ,-, | *",${there_line%% *},"*) return 0 ;; esac ;;
    esac
  done
  unset IFS
  return 1
}

# Adds to missing and missing_count: those of the chain $1 that no image has above the ones below.
list_missing() {
  below=
  for diff_id in $(printf '%s' "$1" | tr ',' ' '); do
    below=${below:+$below,}$diff_id
    ! has_chain "$below" - || continue
    case "$missing" in *"$diff_id"*) continue ;; esac
    missing_count=$((missing_count + 1))
    missing="$missing
  $diff_id"
  done
}

# What the names point to now, to be put back where the new image turns out to be unusable.
note_names() {
  names_before=
  IFS=$newline
  for line in $(delta_images); do
    unset IFS
    read_image "$line"
    [ "$delta_kind" = docker ] || image_id=$manifest_id
    for name in $(printf '%s' "$image_names" | tr ',' ' '); do
      [ "$name" != - ] || continue
      old_id=$(engine image inspect --format '{{.Id}}' "$name" 2>/dev/null) || old_id=-
      names_before="$names_before$name $old_id
"
      case "$old_id" in
        -) item add "$name" ;;
        "$image_id") item 'is there' "$name" ;;
        *) item REPLACE "$name (now there: $(printf '%.19s' "$old_id"))" ;;
      esac
    done
  done
}

# Sets the words of the line $1 of delta_images.
read_image() {
  # shellcheck disable=SC2086
  set -- $1
  image_id=$1
  manifest_id=$2
  image_names=$3
  image_layers=$4
}

# --- Loading and after ----------------------------------------------------------------------------------------------

load_archive() {
  say '' 'Loading'
  # An engine unpacks by itself where there is no xz here; it needs one of its own for that.
  if command -v xz >/dev/null; then
    said=$(read_archive | xz -dc | load_stdin 2>&1)
  else
    said=$(read_archive | load_stdin 2>&1)
  fi
  # What it says is shown where an image is not what it should be; what it made of it is what counts.
}

load_stdin() { if [ -n "$host" ]; then docker -H "$host" load; else docker load; fi; }

report_images() {
  good_count=0
  bad_count=0
  IFS=$newline
  for line in $(delta_images); do
    unset IFS
    read_image "$line"
    for name in $(printf '%s' "$image_names" | tr ',' ' '); do
      [ "$name" != - ] || name=$image_id
      if check_image "$name" "$image_id" "$manifest_id" "$image_layers"; then
        item ok "$name"
        good_count=$((good_count + 1))
        names_right="$names_right $name"
      else
        item BROKEN "$name: $why"
        bad_count=$((bad_count + 1))
        put_back "$name"
      fi
    done
  done
  [ "$bad_count" -eq 0 ] || {
    printf '%s\n' "$said" | tail -n 5 | show_lines '  docker says: ' >&2
    fail 7 "Cannot vouch for $bad_count of $((good_count + bad_count)) images: see BROKEN above" \
      'Their names point again to what they did before. Ask for the full bundle.'
  }
  say '' "Done: $good_count $(plural "$good_count" 'image name is' 'image names are') there, and each is what it should be."
  finish 0
}

# Sets why, and fails, unless the image $1 has the id $2 (or $3 in containerd), the layers $4, and can be used.
check_image() {
  found=$(engine image inspect --format '{{.Id}} {{range .RootFS.Layers}}{{.}},{{end}}' "$1" 2>/dev/null) || {
    why='it is not there'
    return 1
  }
  found_layers=${found#* }
  [ "${found_layers%,}" = "$4" ] || {
    why='it has other layers'
    return 1
  }
  wanted_id=$2
  [ "$delta_kind" = docker ] || wanted_id=$3
  [ "${found%% *}" = "$wanted_id" ] || {
    why="it is another image (${found%% *})"
    return 1
  }
  probe=bundlefs-probe-$$
  why=$(engine create --pull never --name "$probe" --network none "$1" true 2>&1 >/dev/null) || {
    clean_up
    probe=
    return 1
  }
  clean_up
  probe=
  [ "$delta_kind" = docker ] || is_whole "$1" "$4"
}

# Whether the store has all layers of $1 ($2) as they were packed. It says nothing where it has not: it saves less.
is_whole() {
  listing=$(engine save "$1" | tar -tf - 2>/dev/null)
  for diff_id in $(printf '%s' "$2" | tr ',' ' '); do
    case "
$listing
" in
      *"
blobs/sha256/${diff_id#sha256:}
"*) ;;
      *)
        why="the store lacks its layer $diff_id"
        return 1
        ;;
    esac
  done
}

# Lets the name $1 point to what it did before, or to nothing.
put_back() {
  [ -n "$1" ] || return 0
  IFS=$newline
  for before in $names_before; do
    unset IFS
    [ "${before% *}" = "$1" ] || continue
    case "${before#* }" in
      -) engine rmi "$1" >/dev/null 2>&1 ;;
      *) engine tag "${before#* }" "$1" >/dev/null 2>&1 ;;
    esac
  done
  unset IFS
}
