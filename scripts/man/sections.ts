/** What the manual pages say that the command line does not: written here, once. */

/** Of the page about the program. */
export const programText: readonly string[] = [
  'bundlefs keeps an offline bundle of Docker images fresh: an images.tar.xz for customers without a network, which plain "docker load" takes. Every part of every layer is compressed once and kept in a cache. A folder that is mounted shows the bundle, which is put together from compressed parts at the moment it is copied, so that after a change only what changed is compressed.',
  'The same images give the same bytes, on any host and from any source. What is handed out was checked: layers and configs against their digests, new blocks by a second decoder, stored blocks before they are used.',
  'What to bundle is named on the command line, by Compose files, by lists, or by a project file (bundlefs.yaml in the working folder). What the command line says goes before the project file, the project file before the environment.',
];

/** Of the pages of verbs, behind their description. */
export const verbTexts: Readonly<Record<string, readonly string[]>> = {
  build: [
    'An output that has the right bytes already is left as it is. When the command is stopped, or the machine is, nothing half-written is left, and the next run goes on from what is in the cache.',
  ],
  mount: [
    'Beside the bundle the folder has SHA256SUMS, load.sh, verify.sh, bundle.json and index.html, for whoever loads the images. Files that are open are read to their end, also when another bundle is shown or the mount is ended meanwhile.',
    'Without --allow-other nobody but the user who mounts can read the folder, not even root. An ordinary user may give it where /etc/fuse.conf has the line user_allow_other.',
  ],
  refresh: ['The exit status is that of the failure where the new bundle cannot be made.'],
  unmount: ['It works too where the process behind the mount has died.'],
};

export const exitStatusTexts: Readonly<Record<number, string>> = {
  0: 'Done.',
  1: 'A fault of bundlefs itself: please report it.',
  2: 'The command line is wrong, or standard output is a terminal.',
  3: 'An image does not exist; the message names the closest ones.',
  4: 'The engine or source cannot be reached, or broke off.',
  5: 'The archive is missing, damaged or incomplete: also what verify found.',
  6: 'The cache: disk full, not writable, damaged.',
  7: 'The output could not be written, or the engine did not load it.',
  8: 'The mount: mount point, /dev/fuse, permissions, busy.',
  9: 'bundlefs is not built, or does not fit this Node: run bin/setup.',
  10: 'With --exit-code: the bundles differ (diff), or something would have to be encoded (plan).',
  130: 'Stopped by Ctrl-C or a signal; nothing half-written is left.',
};

export const environmentTexts: Readonly<Record<string, string>> = {
  BUNDLEFS_CACHE: 'The folder of the cache, where --cache is not given.',
  BUNDLEFS_CACHE_MAX_SIZE: 'The size that the cache is kept to, such as 20G; without it, it grows.',
  BUNDLEFS_FROM: 'Where images come from, where --from is not given.',
  BUNDLEFS_PLATFORM: 'The platform of images, where --platform is not given.',
  BUNDLEFS_PRESET: 'The xz preset, where --preset is not given.',
  BUNDLEFS_CHECK: 'The integrity check, where --check is not given.',
  DOCKER_HOST: 'The engine, as the docker command takes it: unix://, tcp:// or ssh://.',
  DOCKER_CONTEXT: 'The docker context that names the engine, where DOCKER_HOST does not.',
  'DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH, DOCKER_CONFIG':
    'TLS and settings, as the docker command takes them.',
  'COMPOSE_PROFILES, COMPOSE_DISABLE_ENV_FILE': 'As docker compose takes them.',
  'XDG_CACHE_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR':
    'Where the folders named below lie, instead of in ~/.cache and ~/.local/state.',
};

export const fileTexts: Readonly<Record<string, string>> = {
  'bundlefs.yaml': 'The project file: what to bundle, and how.',
  '~/.cache/bundlefs': 'The cache.',
  '~/.local/state/bundlefs': 'Logs of mounts, and what is noted of each.',
  '$XDG_RUNTIME_DIR/bundlefs': 'The sockets by which mounts are asked.',
  '/etc/fuse.conf': 'Must have the line user_allow_other for mount --allow-other of an ordinary user.',
};

/** Behind the pages of this program. */
export const otherPages: readonly string[] = ['docker-load(1)', 'xz(1)', 'fusermount(1)', 'mount.fuse3(8)'];
