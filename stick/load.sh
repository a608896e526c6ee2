#!/bin/sh
# Loads the images of the bundle in this folder into a container engine, and then checks what the engine made of them.
# Nothing of bundlefs is needed here: POSIX sh and its usual tools, sha256sum, xz and the engine.
# shellcheck disable=SC2154 # what verify.sh sets
# shellcheck disable=SC2034 # and what it reads
# A shell reads a script bit by bit: where it ends between two functions, nothing is wrong with it. start_in takes this back.
trap 'echo "Cannot use load.sh: it, or verify.sh beside it, is cut off. Copy the whole folder again." >&2; exit 5' EXIT
bundlefs_wants=functions
case "$0" in
  */*) script_folder=${0%/*}/ ;;
  *) script_folder=./ ;;
esac
if [ ! -f "$script_folder/verify.sh" ]; then
  trap - EXIT
  printf '%s\n' "Cannot find \"verify.sh\" beside load.sh" '  Copy the whole folder again, and run load.sh from within the copy.' >&2
  exit 5
fi
# shellcheck source=stick/verify.sh
. "$script_folder/verify.sh"
if [ "${verify_is_whole-}" != yes ]; then
  trap - EXIT
  printf '%s\n' 'Cannot use "verify.sh": it is cut off' '  Copy the whole folder again.' >&2
  exit 5
fi

load_usage() {
  printf '%s\n' "Usage: sh load.sh [options]

Loads the images of this folder into the container engine of this machine. First it checks the files, the engine and
the space, and says what will change; afterwards it checks each image. It may be run again at any time.

  --dry-run          check and say everything, change nothing
  --yes              do not ask, also where images will be replaced. (Where nobody can be asked, nothing is asked.)
  --keep-replaced    give each image that is replaced another tag first: before-YYYYMMDD-HHMMSS
  --to ENGINE        docker, podman, nerdctl or ctr; the first of them that answers where left out
  --host ADDRESS     another engine: as docker -H, podman --url, nerdctl and ctr --address
  --namespace NAME   containerd's namespace (nerdctl, ctr): k8s.io for k3s and Kubernetes
  --parts DIR        look for parts of images.tar.xz in DIR too; may be given several times
  --force            load also where all images are there already
  --no-space-check   load also where there seems to be too little space
  --skip-sums        do not check the sums of images.tar.xz (where verify.sh has just done so)
  --help             this text

Exit statuses
  0    all images are in the engine and are what they should be (with --dry-run: nothing speaks against it)
  2    the command line is wrong
  3    a tool is missing on this machine (sha256sum, xz, awk …)
  4    no engine, or it does not answer, or this user may not use it
  5    a file of the bundle is missing, incomplete or damaged
  6    too little space, for the images or for temporary files (TMPDIR)
  7    loading failed, or an image is not what it should be; the last lines say which
  8    you answered no; nothing was changed
  130  stopped (Ctrl-C); the last lines say what state the images are in"
}

load_main() {
  read_arguments "$@"
  need_tools df grep id mkfifo sort tr wc
  pick_sum_tool
  pick_xz
  step 1 'The files of the bundle'
  check_small_files
  check_parts_listed
  stop_at_problems
  describe_bundle
  step 2 'The engine'
  find_engine
  step 3 'What will change'
  make_plan
  [ "$change_count" -gt 0 ] || [ "$is_forced" = yes ] || stop_where_all_is_there
  check_space
  confirm
  step 4 "The sums of $(size_text "$archive_size")"
  if [ "$is_skipping_sums" = yes ]; then
    warn 'not checked, as you asked'
    case "$xz_tool" in
      xz* | unxz | busybox)
        "${xz_tool%% *}" --version 2>/dev/null | grep -q liblzma ||
          warn "$xz_tool may take damaged bytes for good ones: leave out --skip-sums"
        ;;
    esac
  else
    check_part_sums
    stop_at_problems
  fi
  if [ "$is_dry_run" = yes ]; then
    say '' 'Nothing speaks against loading. Nothing was changed (--dry-run).'
    finish 0
  fi
  step 5 "Loading into $to"
  keep_replaced
  load_images
  step 6 'What the engine has now'
  report_images
  finish_loaded
}

step() { say '' "$1 of 6  $2"; }

read_arguments() {
  start_in "$0"
  to=
  host=
  namespace=
  kept_suffix=before-$(date +%Y%m%d-%H%M%S)
  is_dry_run=no
  is_yes=no
  is_keeping=no
  is_forced=no
  is_space_checked=yes
  is_skipping_sums=no
  is_loading=no
  said=
  all_said=
  # Lines of "NAME OLD-ID", and of "SECOND-NAME NAME OLD-ID"; a line feed stands before the first one.
  replaced=
  kept_names=
  while [ $# -gt 0 ]; do
    case "$1" in
      --to | --host | --namespace | --parts)
        [ -n "${2-}" ] || fail 2 "Cannot read the command line: $1 wants a value" 'sh load.sh --help has the details.'
        case "$1" in
          --to) to=$2 ;;
          --host) host=$2 ;;
          --namespace) namespace=$2 ;;
          --parts) add_folder "$2" ;;
        esac
        shift
        ;;
      --dry-run) is_dry_run=yes ;;
      --yes | -y) is_yes=yes ;;
      --keep-replaced) is_keeping=yes ;;
      --force) is_forced=yes ;;
      --no-space-check) is_space_checked=no ;;
      --skip-sums) is_skipping_sums=yes ;;
      --help | -h)
        load_usage
        finish 0
        ;;
      *) fail 2 "Cannot read the command line: there is no option \"$1\"" 'sh load.sh --help lists what there is.' ;;
    esac
    shift
  done
  case "$to" in
    '' | docker | podman | nerdctl | ctr) ;;
    *) fail 2 "Cannot load into \"$to\": it can be docker, podman, nerdctl or ctr" ;;
  esac
  [ -z "$host" ] || [ -n "$to" ] || to=docker
}

# --- The engine -----------------------------------------------------------------------------------------------------

# Runs the engine's own program.
engine() {
  case "$to" in
    docker) if [ -n "$host" ]; then docker -H "$host" "$@"; else docker "$@"; fi ;;
    podman) if [ -n "$host" ]; then podman --url "$host" "$@"; else podman "$@"; fi ;;
    nerdctl)
      [ -z "$namespace" ] || set -- --namespace "$namespace" "$@"
      [ -z "$host" ] || set -- --address "$host" "$@"
      nerdctl "$@"
      ;;
    ctr)
      [ -z "$namespace" ] || set -- --namespace "$namespace" "$@"
      [ -z "$host" ] || set -- --address "$host" "$@"
      if command -v ctr >/dev/null; then ctr "$@"; else k3s ctr "$@"; fi
      ;;
  esac </dev/null
}

# Runs "$@" and sets answered to what it puts out, said to what else it says. No temporary file is needed for it.
ask() {
  both=$({
    errors=$("$@" 2>&1 >&4)
    printf '\nbundlefs-status %s %s' "$?" "$errors"
  } 4>&1)
  answered=${both%"${newline}bundlefs-status "*}
  answered=${answered%"$newline"}
  both=${both##*"${newline}bundlefs-status "}
  said=${both#* }
  return "${both%% *}"
}

is_installed() {
  case "$1" in
    # podman may stand in for docker under its name, and is better spoken to under its own.
    docker) command -v docker >/dev/null && ! docker --version 2>/dev/null | grep -qi podman ;;
    ctr) command -v ctr >/dev/null || command -v k3s >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Prints the version of the engine (not of its client); fails where it does not answer.
ask_version() {
  case "$to" in
    docker) engine version --format '{{.Server.Version}}' ;;
    podman) engine version --format '{{.Version}}' 2>/dev/null || engine info --format '{{.Version.Version}}' ;;
    nerdctl) engine info --format '{{.ServerVersion}}' ;;
    ctr) engine version | awk '/^Server:/ { server = 1 } server && $1 == "Version:" { print $2; found = 1 } END { exit !found }' ;;
  esac
}

find_engine() {
  wanted=${to:-docker podman nerdctl ctr}
  tried=
  for to in $wanted; do
    is_installed "$to" || continue
    tried="$tried $to"
    if ask ask_version && [ -n "$answered" ]; then
      version=$answered
      describe_engine
      return
    fi
    all_said=$all_said$said$newline
  done
  if [ -z "$tried" ]; then
    fail 4 "Cannot find an engine: $(echo "$wanted" | sed 's/ /, /g') $(plural "$(echo "$wanted" | wc -w)" 'is not installed' 'are not installed') on this machine, or not on the PATH" \
      'Install Docker (or podman) first, then run this again.' 'Is it installed for root only? Then: sudo sh load.sh'
  fi
  all_said=$(printf '%s' "$all_said" | tail -n 3)
  printf '%s\n' "$all_said" | show_lines '  it said: ' >&2
  if printf '%s\n' "$all_said" | grep -qiE 'permission denied|must be root|operation not permitted'; then
    fail 4 "Cannot use the engine: this user ($(id -un 2>/dev/null || id -u)) may not speak to it" 'Run it as root: sudo sh load.sh'
  fi
  fail 4 "Cannot reach the engine: it does not answer (tried:$tried)" \
    'Is it running? On Linux: sudo systemctl start docker. On Windows and macOS: start Docker Desktop, and wait until it is ready.' \
    'Then run this again.'
}

# Sets what differs between engines: data_root (empty where it cannot be looked at from here) and has_exact_ids, which is
# yes where an image's id is the digest of its config, so that two images with the same layers can be told apart.
describe_engine() {
  data_root=
  has_exact_ids=no
  store=
  case "$to" in
    docker)
      docker_facts=$(engine info --format '{{.DockerRootDir}}|{{.Driver}}|{{.DriverStatus}}|{{.OperatingSystem}}' 2>/dev/null)
      case "$docker_facts" in
        *io.containerd.snapshotter*) store="containerd's image store" ;;
        *)
          store='its own image store'
          has_exact_ids=yes
          ;;
      esac
      endpoint=${host:-${DOCKER_HOST:-$(engine context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)}}
      case "$endpoint|$docker_facts" in
        *'|Docker Desktop') ;;
        unix://* | /*) data_root=${docker_facts%%|*} ;;
      esac
      ;;
    podman)
      has_exact_ids=yes
      store=$(engine info --format '{{.Store.GraphDriverName}}' 2>/dev/null)
      [ -n "$host" ] || data_root=$(engine info --format '{{.Store.GraphRoot}}' 2>/dev/null)
      ;;
    nerdctl | ctr)
      [ "$to" = nerdctl ] || has_exact_ids=yes
      [ -n "$namespace" ] || ! command -v k3s >/dev/null || namespace=k8s.io
      store="namespace ${namespace:-default}"
      if [ "$to" = ctr ]; then
        data_root=$(engine plugins ls -d id==content 2>/dev/null | awk '$1 == "root" { print $2; exit }')
      else
        data_root=/var/lib/containerd
      fi
      ;;
  esac
  [ -d "$data_root" ] || data_root=
  item ok "$to $version${store:+ ($store)}${host:+ at $host}"
  if [ -n "$xz_tool" ]; then
    item ok "unpacking with $xz_tool"
  elif [ "$to" = docker ] || [ "$to" = podman ]; then
    warn "There is no xz here, so $to has to unpack by itself. If it cannot, install xz: $xz_hint"
  else
    fail 3 "Cannot load into $to: it cannot read xz, and there is no xz on this machine" "$xz_hint"
  fi
}

# Sets there_id and there_layers (as in bundle.json: with commas, - for none) of the image $1; fails where it is not there.
look_up() {
  there_id=
  there_layers=
  if [ "$to" = ctr ]; then
    look_up_with_ctr "$1" || return 1
  else
    ask engine image inspect --format '{{.Id}} {{range .RootFS.Layers}}{{.}},{{end}}' "$1" || { is_still_there && return 1; }
    there_id=${answered%% *}
    there_layers=${answered#* }
    there_layers=${there_layers%,}
  fi
  [ -n "$there_id" ] || return 1
  there_id=sha256:${there_id#sha256:}
  there_layers=${there_layers:--}
}

is_still_there() {
  ! printf '%s\n' "$said" | grep -qiE 'no such image|not known|not found|no such object' || return 0
  ask_version >/dev/null 2>&1 || fail 4 "Cannot reach $to any more: it answered a moment ago" "$(last_said)" \
    'Find out why it ended (on Linux: journalctl -u docker), start it, and run this again.'
}

last_said() { printf '%s\n' "$said" | tail -n 1; }

# containerd knows manifests and not images: the config's digest and the layers stand in two files of JSON.
look_up_with_ctr() {
  ask engine images ls "name==$1"
  there_manifest=$(printf '%s\n' "$answered" | awk -v name="$1" '$1 == name { print $3 }')
  [ -n "$there_manifest" ] || { is_still_there && return 1; }
  manifest=$(read_content "$there_manifest")
  # An index names manifests by platform; the one whose content is here is the one that was pulled.
  case "$manifest" in
    *'"manifests":['*)
      for digest in $(printf '%s\n' "$manifest" | grep -o '"digest":"sha256:[0-9a-f]*"' | cut -d '"' -f 4); do
        manifest=$(read_content "$digest")
        case "$manifest" in *'"layers":['*) break ;; esac
      done
      ;;
  esac
  there_id=$(printf '%s\n' "$manifest" | sed -n 's/.*"config":{[^}]*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p')
  # Something is there under this name; what it is cannot be told.
  [ -n "$there_id" ] || there_id=$there_manifest
  there_layers=$(read_content "$there_id" | sed -n 's/.*"diff_ids":\[\([^]]*\)\].*/\1/p' | tr -d '"')
}

read_content() { engine content get "$1" 2>/dev/null | tr -d ' \n\r\t'; }

# Whether the image $1 is the one with the config $2 and the layers $3.
is_same_image() {
  look_up "$1" && [ "$there_layers" = "$3" ] && { [ "$has_exact_ids" = no ] || [ "$there_id" = "$2" ]; }
}

# Whether an image without a name is there: by its id, or where that is another one, by its layers.
has_unnamed() {
  ! is_same_image "$1" "$1" "$2" || return 0
  [ "$to" != ctr ] && [ "$has_exact_ids" = no ] || return 1
  for listed_id in $(engine images -aq --no-trunc 2>/dev/null | sort -u); do
    ! is_same_image "$listed_id" "$1" "$2" || return 0
  done
  return 1
}

# --- Before ---------------------------------------------------------------------------------------------------------

# Says what will happen to each name, and sets replaced.
make_plan() {
  change_count=0
  replaced_count=0
  engine_layers=
  IFS=$newline
  for line in $images; do
    unset IFS
    read_image "$line"
    if [ "$image_names" = - ]; then
      if [ "$to" = ctr ]; then
        warn "$(image_title "$image_id" -): ctr keeps no images without a name"
      elif has_unnamed "$image_id" "$image_layers"; then
        note_there 'is there' "$(image_title "$image_id" -)"
      else
        change_count=$((change_count + 1))
        item add "$(image_title "$image_id" -)"
      fi
      continue
    fi
    for name in $(printf '%s' "$image_names" | tr ',' ' '); do
      if is_same_image "$name" "$image_id" "$image_layers"; then
        note_there 'is there' "$name"
      elif [ -n "$there_id" ]; then
        change_count=$((change_count + 1))
        replaced_count=$((replaced_count + 1))
        replaced="$replaced$newline$name $there_id"
        note_there REPLACE "$name (now there: $(printf '%.19s' "$there_id"))"
      else
        change_count=$((change_count + 1))
        item add "$name$(platform_text)"
      fi
    done
  done
}

# What is there already was perhaps never unpacked, or only its settings differ, which not every engine tells.
stop_where_all_is_there() {
  if [ "$has_exact_ids" = no ]; then
    warn 'The same layers are there. This engine does not tell whether the settings are the same too, so they are loaded again.'
  elif [ "$is_dry_run" = yes ]; then
    say '' 'All images are there already. There is nothing to do. Nothing was changed (--dry-run).'
    finish 0
  else
    say '' 'All images are there already. Checking whether they can be used:'
    report_images
    if [ "$bad_count" -eq 0 ]; then
      say '' 'All images are there already and are what they should be. There is nothing to do.'
      finish 0
    fi
    warn 'Not all can be used, so they are loaded again.'
  fi
}

platform_text() { [ "$platform" = - ] || printf ' (%s)' "$platform"; }

note_there() {
  item "$1" "$2"
  engine_layers=$engine_layers,$there_layers
}

# Engines spool the whole tar, or keep it in their content store, and write each layer that they do not have.
check_space() {
  [ "$is_space_checked" = yes ] || { warn 'the space is not checked, as you asked'; return; }
  if [ -z "$data_root" ]; then
    warn "The space cannot be seen from here. $to needs about $(size_text $((tar_size * 2))) free while it loads."
    return
  fi
  new_size=$({
    printf '%s' "$engine_layers" | tr ',' '\n'
    printf '\n=\n%s\n' "$layers"
  } | awk '$1 == "=" { isNew = 1; next } !isNew { there[$1] = 1; next } !($1 in there) { sum += $2 } END { printf "%.0f", sum }')
  # An unpacked layer takes a little more on disk than its tar.
  needed=$((tar_size + new_size + new_size / 10))
  free_space=$(free_at "$data_root")
  spool=
  if [ "$to" = podman ]; then
    spool=${TMPDIR:-/var/tmp}
    needed=$((new_size + new_size / 10))
    if [ -d "$spool" ] && [ "$(free_at "$spool")" -lt "$tar_size" ]; then
      fail 6 "Cannot load: podman needs $(size_text "$tar_size") in $spool for a while, and $(size_text "$(free_at "$spool")") are free" \
        'Make room there, or name another place: TMPDIR=/big/folder sh load.sh' 'If you know better: --no-space-check'
    fi
    [ "$(df_line "$spool" 1)" != "$(df_line "$data_root" 1)" ] || needed=$((needed + tar_size))
  fi
  if [ "$free_space" -lt "$needed" ]; then
    fail 6 "Cannot load: $to needs about $(size_text "$needed") in $data_root while it loads, and $(size_text "$free_space") are free" \
      'Make room there: "docker system df" says what takes it, "docker image prune" removes images that have no name.' \
      'If you know better: --no-space-check'
  fi
  item ok "space: $(size_text "$free_space") free in $data_root, about $(size_text "$needed") needed while it loads"
}

# Of a file system: field $2 counted from the end of the line of df: 1 where it is mounted, 3 KiB available.
df_line() { df -Pk "$1" 2>/dev/null | awk -v back="$2" 'NR == 2 { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+%$/) { print back == 1 ? $(i + 1) : $(i - 1); exit } }'; }
free_at() {
  free_blocks=$(df_line "$1" 3)
  printf '%s' $((${free_blocks:-0} * 1024))
}

confirm() {
  [ "$replaced_count" -eq 0 ] || [ "$is_keeping" = yes ] ||
    say '' "$replaced_count $(plural "$replaced_count" 'name' 'names') will point to the new image. Containers that run now go on with the old one." \
      'To be able to go back, stop here and run this again with --keep-replaced.'
  if [ "$replaced_count" -eq 0 ] || [ "$is_yes" = yes ] || [ "$is_dry_run" = yes ] || [ ! -t 3 ]; then return; fi
  printf '\nGo on? [y/N] ' >&2
  read -r answer <&3 || answer=
  case "$answer" in
    y | Y | yes | Yes | YES) ;;
    *) fail 8 'Stopped, as you answered. Nothing was changed.' ;;
  esac
}

# --- Loading --------------------------------------------------------------------------------------------------------

# Gives what will be replaced a second name; the same image under two names gets one for each repository.
keep_replaced() {
  [ "$is_keeping" = yes ] || return 0
  is_loading=yes
  IFS=$newline
  for line in $replaced; do
    unset IFS
    name=${line% *}
    old_id=${line#* }
    repository=${name%:*}
    number=1
    kept=$repository:$kept_suffix
    while kept_id=$(printf '%s\n' "$kept_names" | awk -v kept="$kept" '$1 == kept { print $3 }') && [ -n "$kept_id" ] && [ "$kept_id" != "$old_id" ]; do
      number=$((number + 1))
      kept=$repository:$kept_suffix-$number
    done
    [ "$kept_id" != "$old_id" ] || continue
    if [ "$to" = ctr ]; then
      said=$(engine images tag "$name" "$kept" 2>&1)
    else
      said=$(engine tag "$name" "$kept" 2>&1)
    fi || fail_loading 'Cannot keep the image that would be replaced'
    kept_names="$kept_names$newline$kept $name $old_id"
    item kept "$name as $kept"
  done
  unset IFS
}

produce_tar() {
  # Here, where it may have to wait for ever: this process can be ended.
  exec 8>"$work/pipe"
  write_answer "$(
    exec 9>&1
    { join_parts || [ -z "$read_failed" ] || printf 'failed %s\n' "$read_failed" >&9; } | {
      if [ -n "$xz_tool" ]; then xz_said=$(decompress 2>&1 >&8); else xz_said=$(cat 2>&1 >&8); fi
      tell_status xz "$?" "$xz_said"
    }
  )"
  [ ! -t 2 ] || printf '\r  Everything is read. %s stores the layers now.\r' "$to" >&2
}

consume_tar() {
  # The engine() of everything else reads nothing; here it is the one that reads.
  case "$to" in
    ctr) set -- images import - ;;
    *) set -- load ;;
  esac
  exec <"$work/pipe"
  case "$to" in
    docker)
      [ -z "$host" ] || set -- -H "$host" "$@"
      exec docker "$@"
      ;;
    podman)
      [ -z "$host" ] || set -- --url "$host" "$@"
      exec podman "$@"
      ;;
    *)
      [ -z "$namespace" ] || set -- --namespace "$namespace" "$@"
      [ -z "$host" ] || set -- --address "$host" "$@"
      [ "$to" = ctr ] || exec nerdctl "$@"
      ! command -v ctr >/dev/null || exec ctr "$@"
      exec k3s ctr "$@"
      ;;
  esac
}

load_images() {
  check_temp
  rm -f "$work/answer"
  mkfifo "$work/pipe" 2>/dev/null || temp_failed
  # What engines manage on slow disks; a stick is read at the rate that was seen a moment ago.
  estimate=$((tar_size / 40000000))
  [ "$sum_rate" -eq 0 ] || [ $((archive_size / sum_rate)) -lt "$estimate" ] || estimate=$((archive_size / sum_rate))
  say "  This takes $(time_text "$estimate") on a usual machine. You may stop it with Ctrl-C; running it again is safe."
  is_loading=yes
  consume_tar >"$work/load-said" 2>&1 &
  consumer=$!
  produce_tar <&3 &
  job=$!
  wait "$consumer"
  load_status=$?
  consumer=
  # An engine that gave up may never have opened the pipe, and then nobody will read it.
  [ "$load_status" -eq 0 ] || kill "$job" 2>/dev/null
  wait "$job"
  job=
  clear_progress
  # There is none where the engine gave up first.
  answer=$(cat "$work/answer" 2>/dev/null)
  said=$(cat "$work/load-said" 2>/dev/null)
  read_failed=$(lines_of "$answer" failed)
  xz_answer=$(lines_of "$answer" xz)
  xz_status=${xz_answer%% *}
  xz_said=${xz_answer#* }
  if [ -n "$read_failed" ]; then
    said=
    fail_loading "Cannot read the bundle: $read_failed" 'The stick or disc itself may be failing: copy the bundle to this machine, and run load.sh there.'
  elif printf '%s\n' "$xz_said" | grep -qiE 'corrupt|not recognized|unexpected end'; then
    # Then the engine only says that its input ended.
    said=
    fail_loading "Cannot unpack the bundle: $xz_said" 'It is damaged: sh verify.sh --quick says which file to copy again.'
  elif [ "$load_status" -ne 0 ] || printf '%s\n' "$said" | grep -q 'Error unpacking'; then
    fail_loading "Cannot load: $to gave up"
  elif [ "${xz_status:-0}" -ne 0 ] && [ "$xz_status" -ne 141 ]; then
    said=$xz_said
    fail_loading 'Cannot unpack the bundle: it is damaged, or it cannot be read'
  fi
  item ok "$to has taken everything"
}

# Says what the engine said, what can be done, and what state the images are in.
fail_loading() {
  printf '\n' >&2
  [ -z "$said" ] || printf '%s\n' "$said" | tail -n 5 | show_lines "  $to says: " >&2
  load_problem=$1
  hint=${2-}
  fail_code=7
  case "$said" in
    *'no space left'*)
      fail_code=6
      hint='The disk is full. Make room ("docker system df" says what takes it), then run this again.'
      ;;
    # Docker 20.10 built with newer Go says the second when there is no xz at all.
    *'"xz": executable file not found'* | *'xz resolves to executable in current directory'*)
      fail_code=3
      hint="The engine has no xz program. $xz_hint"
      ;;
    *'ermission denied'*)
      fail_code=4
      hint='Run it as root: sudo sh load.sh'
      ;;
  esac
  say '' "$load_problem" >&2
  [ -z "$hint" ] || say "  $hint" >&2
  printf '\n%s\n' 'What the engine has now' >&2
  report_images >&2
  forget_kept >&2
  check_temp
  finish "$fail_code"
}

# Second names that turned out not to be needed, for the image still has its first.
forget_kept() {
  IFS=$newline
  for line in $kept_names; do
    unset IFS
    read_kept "$line"
    if look_up "$name" && [ "$there_id" = "$old_id" ]; then
      if [ "$to" = ctr ]; then engine images rm "$kept"; else engine rmi "$kept"; fi >/dev/null 2>&1
    else
      say "  The image that $name was is still there as $kept"
    fi
  done
  unset IFS
}

read_kept() {
  # shellcheck disable=SC2086
  set -- $1
  kept=$1
  name=$2
  old_id=$3
}

# shellcheck disable=SC2317 # a trap calls it
interrupted() {
  trap 'finish 130' INT TERM HUP
  if [ "${is_loading-no}" = no ]; then
    printf '\n%s\n' 'Stopped. Nothing has been changed.' >&2
    finish 130
  fi
  printf '\n%s\n' 'Stopped while the engine was loading. Asking it what it has now (Ctrl-C again: do not ask).' >&2
  stop_jobs
  remove_probe
  report_images >&2
  forget_kept >&2
  printf '%s\n' 'Run load.sh again to load the rest.' >&2
  finish 130
}

# --- Afterwards -----------------------------------------------------------------------------------------------------

# One line for each name: what the engine has there, whatever it said while it loaded.
report_images() {
  good_count=0
  bad_count=0
  IFS=$newline
  for line in $images; do
    unset IFS
    read_image "$line"
    if [ "$image_names" = - ]; then
      title=$(image_title "$image_id" -)
      if [ "$to" = ctr ]; then
        warn "$title: ctr keeps no images without a name"
      elif has_unnamed "$image_id" "$image_layers"; then
        count_good "$title"
      else
        count_bad MISSING "$title"
      fi
      continue
    fi
    for name in $(printf '%s' "$image_names" | tr ',' ' '); do
      if is_same_image "$name" "$image_id" "$image_layers"; then
        if can_be_used "$name"; then count_good "$name"; else count_bad BROKEN "$name: $(last_said)"; fi
      elif [ -z "$there_id" ]; then
        count_bad MISSING "$name"
      elif is_replaced "$name" "$there_id"; then
        count_bad OLD "$name is still what it was before"
      elif [ "$there_layers" = "$image_layers" ]; then
        count_bad BROKEN "$name has the right layers, but other settings ($there_id)"
      else
        count_bad BROKEN "$name has other layers than the bundle says"
      fi
    done
  done
}

is_replaced() { case "$replaced$newline" in *"$newline$1 $2$newline"*) ;; *) return 1 ;; esac; }

count_good() {
  item ok "$1"
  good_count=$((good_count + 1))
}

count_bad() {
  item "$1" "$2"
  bad_count=$((bad_count + 1))
}

# Whether the engine can make a container of it. An image may be listed in full whose layers were never unpacked.
can_be_used() {
  case "$to" in
    docker)
      probe=bundlefs-probe-$$
      # Nothing may be fetched. Clients before 20.10 do not know the option, and fetch only what is missing.
      said=$(engine create --pull never --name "$probe" --network none "$1" true 2>&1)
      probe_status=$?
      case "$probe_status|$said" in
        0'|'*) ;;
        *'unknown flag'*)
          said=$(engine create --name "$probe" --network none "$1" true 2>&1)
          probe_status=$?
          ;;
      esac
      remove_probe
      return "$probe_status"
      ;;
    ctr)
      said=$(engine images check "name==$1" 2>&1) && printf '%s\n' "$said" | grep -q ' complete .* true *$'
      ;;
  esac
}

remove_probe() {
  [ -z "${probe-}" ] || engine rm -v "$probe" >/dev/null 2>&1
  probe=
}

finish_loaded() {
  if [ "$bad_count" -gt 0 ]; then
    forget_kept
    fail 7 "Cannot vouch for $bad_count of $((good_count + bad_count)) images: see the lines above" \
      "$to took the bundle without complaint, but what it has is not what the bundle holds." \
      'Remove the images named above (docker image rm NAME), and run this again. If it comes again, tell whoever gave you the bundle.'
  fi
  IFS=$newline
  for line in $kept_names; do
    unset IFS
    read_kept "$line"
    say "  To go back: $(undo_text)"
  done
  unset IFS
  say '' "Done: $good_count $(plural "$good_count" 'image name is' 'image names are') there, and each is what the bundle holds."
  [ "$replaced_count" -eq 0 ] || say 'Containers that run still use the old images. Restart them to use the new ones (for instance: docker compose up -d).'
  finish 0
}

undo_text() {
  case "$to" in
    ctr) printf 'ctr%s%s images tag --force %s %s' "${host:+ --address $host}" "${namespace:+ --namespace $namespace}" "$kept" "$name" ;;
    docker) printf 'docker%s tag %s %s' "${host:+ -H $host}" "$kept" "$name" ;;
    podman) printf 'podman%s tag %s %s' "${host:+ --url $host}" "$kept" "$name" ;;
    nerdctl) printf 'nerdctl%s%s tag %s %s' "${host:+ --address $host}" "${namespace:+ --namespace $namespace}" "$kept" "$name" ;;
  esac
}

# The last line, so that a file that was cut off does nothing but say so.
load_main "$@"
