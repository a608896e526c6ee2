/**
 * The types of image configs that docker reads: moby image/image.go ("Image", "V1Image", "History"), image/rootfs.go and
 * api/types/container/config.go, of 20.10 and 28.5. Where those two differ, a field has what both take.
 */
import {
  goBool,
  goInt,
  goMap,
  goPointer,
  goSlice,
  goString,
  goStringOrSlice,
  goStruct,
  goTime,
} from './json/go-json.ts';

const strings = goSlice(goString, '');
/** `map[string]struct{}`. */
const set = goMap(goStruct({}), {});

const healthcheck = goStruct({
  Test: strings,
  Interval: goInt,
  Timeout: goInt,
  StartPeriod: goInt,
  StartInterval: goInt, // not in 20.10, which passes over it
  Retries: goInt,
});

const containerConfig = goStruct({
  Hostname: goString,
  Domainname: goString,
  User: goString,
  AttachStdin: goBool,
  AttachStdout: goBool,
  AttachStderr: goBool,
  ExposedPorts: set,
  Tty: goBool,
  OpenStdin: goBool,
  StdinOnce: goBool,
  Env: strings,
  Cmd: goStringOrSlice,
  Healthcheck: goPointer(healthcheck),
  ArgsEscaped: goBool,
  Image: goString,
  Volumes: set,
  WorkingDir: goString,
  Entrypoint: goStringOrSlice,
  NetworkDisabled: goBool,
  MacAddress: goString,
  OnBuild: strings,
  Labels: goMap(goString, ''),
  StopSignal: goString,
  StopTimeout: goPointer(goInt),
  Shell: goStringOrSlice,
});

const history = goStruct({
  created: goTime,
  author: goString,
  created_by: goString,
  comment: goString,
  empty_layer: goBool,
});

/** A config as docker reads it. */
export const dockerConfig = goStruct({
  id: goString,
  parent: goString,
  comment: goString,
  created: goTime,
  container: goString,
  container_config: containerConfig,
  docker_version: goString,
  author: goString,
  config: goPointer(containerConfig),
  architecture: goString,
  variant: goString,
  os: goString,
  Size: goInt,
  rootfs: goPointer(goStruct({ type: goString, diff_ids: strings })),
  history: goSlice(history, {}),
  'os.version': goString,
  'os.features': strings,
});
