/** Who may import whom (ARCHITECTURE.md, "The rooms"): `npm run check` holds it. */

/** The rooms of src are one line: each imports only rooms before it. */
const line = [
  'ground',
  'image',
  'format',
  'plan',
  'addon',
  'disk',
  'cache',
  'file',
  'bundle',
  'place',
  'inspect',
  'transforms',
  'product',
  'mount',
  'doctor',
  'request',
  'cli',
];

const forward = line.slice(0, -1).map((room, index) => ({
  name: `${room}-knows-no-later-room`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${line.slice(index + 1).join('|')})/` },
}));

/** No folder of `room` imports a sibling, but for the `shared` ones. */
const apart = (room, shared) => ({
  name: `${room}-strangers`,
  severity: 'error',
  from: { path: `^src/${room}/([^/]+)/` },
  to: { path: `^src/${room}/[^/]+/`, pathNot: `^src/${room}/(${['$1', ...shared].join('|')})/` },
});

const strangers = [
  apart('place', ['archive']),
  apart('inspect', ['contents', 'find']),
  apart('product', ['stick']),
  apart('mount', ['fuse', 'control']),
  apart('cli/verbs', []),
];

/** One package has one owner: the rooms that may import it. */
const owners = {
  'fuse-native': ['mount/fuse'],
  '@napi-rs/lzma': ['cache', 'inspect'],
  'lru-cache': ['file'],
  commander: ['cli'],
  'tar-stream': ['format/tar'],
  yaml: ['request'],
};

const ownerRules = Object.entries(owners).map(([name, rooms]) => ({
  name: `owner-of-${name}`,
  comment: `In src, only ${rooms.join(' and ')} may import ${name}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${rooms.join('|')})/` },
  to: { path: `(^|/)node_modules/(@types/)?${name}/` },
}));

const pure = '^src/(ground|image|format|plan)/';

module.exports = {
  forbidden: [
    ...forward,
    ...strangers,
    ...ownerRules,
    {
      name: 'every-file-has-a-room',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${line.join('|')})/` },
      to: {},
    },
    {
      name: 'pure-rooms',
      comment: 'These rooms do no I/O: no files, sockets, processes, threads, clocks or addons.',
      severity: 'error',
      from: { path: pure },
      to: {
        dependencyTypes: ['core'],
        pathNot:
          '^(node:)?(buffer|crypto|events|path|process|stream|stream/promises|string_decoder|util|zlib)$',
      },
    },
    {
      name: 'pure-rooms-packages',
      comment: 'These rooms use zod for foreign JSON and tar-stream for tar headers, and no other package.',
      severity: 'error',
      from: { path: pure },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/(zod|tar-stream|@types/[^/]+)/' },
    },
    {
      name: 'own-folders',
      comment:
        'These rooms work in the cache, the state folder and control folders. They reach files through src/disk: its own/ follows no links and waits for no pipes, its named-files.ts is for files that a user named.',
      severity: 'error',
      from: {
        path: '^src/(cache|bundle|inspect|transforms|product/(delta|views)|mount/(control|live)|request|cli)/',
      },
      to: { dependencyTypes: ['core'], path: '^(node:)?fs(/promises)?$' },
    },
    {
      name: 'src-is-shipped',
      comment: 'The program imports nothing of test, sample, bench or fuzz.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|sample|bench|fuzz)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      comment: 'A module that nothing imports, and that starts nothing, is dead.',
      severity: 'error',
      from: { orphan: true, pathNot: ['^bin/', '\\.d\\.m?ts$', '\\.test\\.ts$', '^test/fuzz/bad-worker'] },
      to: {},
    },
    {
      name: 'only-what-is-installed',
      comment: 'Imports are found, and are dependencies that package.json names.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'shipped-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build)/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
