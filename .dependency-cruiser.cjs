/** Who may import whom: what ARCHITECTURE.md says of the folders, as rules that `npm run check` holds. */

/**
 * For each folder of src, the folders it may use and those of which it may use types only. The files in src itself
 * For each folder of src, the folders it may use and those of which it may use types only. The files in src itself
 * (errors.ts, digest.ts, format-text.ts, show-text.ts, system-error.ts …) are everybody's, and everybody may use itself.
 */
const folders = {
  image: {},
  tar: {},
  xz: { types: ['blocks'] },
  plan: { uses: ['image', 'tar'] },
  layout: { uses: ['xz', 'blocks/block-record'], types: ['blocks'] },
  addon: { types: ['blocks', 'plan'] },
  disk: { uses: ['addon'] },
  blocks: { uses: ['xz', 'addon', 'disk'], types: ['image'] },
  file: { uses: ['layout', 'blocks', 'addon', 'disk', 'xz'] },
  registry: { uses: ['image'] },
  sources: {
    uses: ['image', 'tar', 'file', 'addon', 'registry', 'blocks/recipe-document'],
    types: ['blocks/profile'],
  },
  bundle: { uses: ['image', 'tar', 'plan', 'layout', 'blocks', 'disk', 'file', 'addon'], types: ['sources'] },
  outputs: {
    uses: ['file', 'disk/write-durably', 'image', 'registry', 'sources/engine'],
  },
  tree: { types: ['tar'] },
  explain: {
    uses: [
      'addon/scan-gear',
      'blocks',
      'bundle',
      'file',
      'image',
      'inspect/hash-sink',
      'layout',
      'plan',
      'sources',
      'stick/bundle-description',
      'stick/file-names',
      'addon',
      'tar',
      'tree',
    ],
    types: ['xz'],
  },
  transforms: {
    uses: [
      'bundle/prepare-bundle',
      'explain/compare-files',
      'explain/layer-library',
      'explain/stored-layers',
      'file',
      'image',
      'tar',
      'tree',
    ],
    types: ['bundle', 'sources'],
  },
  inspect: { uses: ['file', 'sources', 'image', 'tar', 'xz'] },
  stick: {
    uses: ['image', 'layout', 'bundle/keep-digest'],
    types: ['bundle', 'blocks', 'file'],
  },
  copy: {
    uses: [
      'addon',
      'disk/make-folder',
      'disk/write-durably',
      'file',
      'mount/mountinfo',
      'stick/bundle-description',
      'stick/file-names',
    ],
    types: ['stick'],
  },
  delta: {
    uses: [
      'addon',
      'bundle',
      'blocks',
      'explain/bundle-folder',
      'explain/choose-build',
      'explain/find-bundle',
      'file',
      'image/engine-kinds',
      'image/spare-layers',
      'layout',
      'plan',
      'stick/file-names',
      'stick/read-scripts',
      'xz',
    ],
    types: ['stick'],
  },
  zst: {
    uses: [
      'addon/block-codec',
      'addon/frame-codec',
      'blocks/block-record',
      'blocks/cache-names',
      'bundle/find-bad-blocks',
      'bundle/map-with-limit',
      'bundle/work-limit',
      'disk/list-own-files',
      'file',
    ],
    types: ['blocks', 'bundle', 'layout'],
  },
  views: {
    uses: [
      'blocks/recipe',
      'bundle/assemble',
      'bundle/content-key',
      'bundle/encode-piece',
      'file',
      'image',
      'plan',
      'zst/open-zst',
    ],
    types: ['blocks', 'bundle', 'layout'],
  },
  mount: { uses: ['addon/read-module', 'disk/own-files'] },
  live: { uses: ['mount', 'disk', 'addon/notify-service', 'sources/engine/watch-engine'] },
  doctor: {
    uses: [
      'addon/block-codec',
      'addon/frame-codec',
      'addon/read-module',
      'blocks',
      'disk',
      'live/find-mounts',
      'mount',
      'sources/engine',
    ],
  },
  selection: { uses: ['image'], types: ['transforms'] },
  cli: { uses: ['.*'] },
};

/** One third-party package has one owner: the folders of src that may import it. */
const owners = {
  'fuse-native': ['mount'],
  '@napi-rs/lzma': ['blocks', 'inspect'],
  'lru-cache': ['file'],
  commander: ['cli'],
  'tar-stream': ['tar'],
  yaml: ['selection/yaml-document'],
  zod: [
    'explain-shape',
    'selection',
    'image',
    'tar',
    'blocks',
    'registry',
    'sources',
    'bundle',
    'mount',
    'live',
    'inspect',
    'stick',
    'doctor',
  ],
};

const pureCore =
  '^src/((errors|digest|format-text|group-by|long-lists|show-text|zeros)\\.ts|(image|tar|tree|xz|plan|layout)/)';
const escapePattern = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const pathsOf = (names) => names.map((name) => `^src/${name}(/|\\.ts$)`);

const folderRules = Object.entries(folders).flatMap(([folder, { uses = [], types = [] }]) => {
  const free = ['^src/[^/]+\\.ts$', ...pathsOf([folder, ...uses])];
  const from = { path: `^src/${folder}/` };
  return [
    {
      name: `${folder}-imports`,
      comment: `src/${folder} may import ${[...uses, ...types].join(', ') || 'nothing of src but errors and digest'}.`,
      severity: 'error',
      from,
      to: { path: '^src/', pathNot: [...free, ...pathsOf(types)] },
    },
    ...(types.length === 0
      ? []
      : [
          {
            name: `${folder}-types`,
            comment: `src/${folder} may import types only from ${types.join(', ')}.`,
            severity: 'error',
            from,
            to: { path: pathsOf(types), pathNot: free, dependencyTypesNot: ['type-only'] },
          },
        ]),
  ];
});

const ownerRules = Object.entries(owners).map(([name, paths]) => ({
  name: `owner-of-${name}`,
  comment: `In src, only ${paths.join(' and ')} may import ${name}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: paths.map((path) => `^src/${path}(/|\\.ts$)`) },
  to: { path: `(^|/)node_modules/(@types/)?${escapePattern(name)}/` },
}));

/** Sources are strangers to each other, but for one edge: what an engine exports is a docker archive. */
const sourceRules = [
  {
    name: 'sources-are-strangers',
    comment: 'One place that images come from does not import another; layouts is what several of them read.',
    severity: 'error',
    from: { path: '^src/sources/([^/]+)/', pathNot: '^src/sources/engine/' },
    to: { path: '^src/sources/[^/]+/', pathNot: '^src/sources/($1|layouts)/' },
  },
  {
    name: 'engine-is-a-stranger',
    comment: 'The engine imports the docker archive, and no other source.',
    severity: 'error',
    from: { path: '^src/sources/engine/' },
    to: { path: '^src/sources/[^/]+/', pathNot: '^src/sources/(engine|docker-archive|layouts)/' },
  },
];

module.exports = {
  forbidden: [
    ...folderRules,
    ...ownerRules,
    ...sourceRules,
    {
      name: 'shared-words',
      comment: 'The files in src itself import nothing but each other.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: '^src/', pathNot: '^src/[^/]+\\.ts$' },
    },
    {
      name: 'pure-core',
      comment: 'The core does no I/O: no files, sockets, processes, threads, clocks or addons.',
      severity: 'error',
      from: { path: pureCore },
      to: {
        dependencyTypes: ['core'],
        pathNot: '^(node:)?(crypto|buffer|events|stream|stream/promises|string_decoder|util|zlib)$',
      },
    },
    {
      name: 'pure-core-files',
      comment: 'The core reads no files, by no way.',
      severity: 'error',
      from: { path: pureCore },
      to: { path: '^src/read-small-file\\.ts$' },
    },
    {
      name: 'pure-core-packages',
      comment: 'The core uses zod for foreign JSON and tar-stream for tar headers, and no other package.',
      severity: 'error',
      from: { path: pureCore },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/(zod|tar-stream|@types/[^/]+)/' },
    },
    {
      name: 'own-folders',
      comment:
        'The cache, the state folder and control folders are reached through src/disk, which follows no links and waits for no pipes. These files have to do with what the user named.',
      severity: 'error',
      from: {
        path: '^src/(blocks|bundle|zst|views|transforms|explain|live|cli)/',
        pathNot:
          '^src/(explain/(find-bundle|bundle-folder)|live/(live-mount|metrics|watch-files)|cli/(check-output|make-generation|read-version|run-log|write-output-whole))\\.ts$',
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
    {
      name: 'sources-with-the-cache',
      comment: 'Sources are opened by chosen-source.ts, which lets a recipe find its layers in the cache.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/chosen-source\\.ts$' },
      to: { path: '^src/sources/open-source\\.ts$', dependencyTypesNot: ['type-only'] },
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
