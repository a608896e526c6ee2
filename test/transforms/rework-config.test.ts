/** Configs of made images: as many steps with a layer as there are layers, and everything else as it was. */
import { describe, expect, it } from 'vitest';
import { type DiffId, digestOf } from '../../src/ground/digest.ts';
import { layerSteps, parseImageConfig } from '../../src/image/image-config.ts';
import { reworkConfig } from '../../src/transforms/rework-config.ts';

const diffId = (name: string): DiffId => digestOf(Buffer.from(name)) as DiffId;
const step = { createdBy: 'bundlefs squash', comment: 'why' };

function makeConfig(layers: readonly string[], history?: readonly object[], more: object = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      ...{ architecture: 'arm', variant: 'v7', os: 'linux', created: '2024-06-01T12:00:00Z' },
      ...{
        config: { Cmd: ['/a'], Labels: { mine: '1' } },
        container: 'abc',
        container_config: {},
        parent: 'x',
      },
      ...{ rootfs: { type: 'layers', diff_ids: layers.map(diffId) }, ...(history && { history }), ...more },
    }),
  );
}

const history = [
  { created_by: 'ADD base', created: '2024-01-01T00:00:00Z' },
  { created_by: 'ENV a=b', empty_layer: true },
  { created_by: 'COPY app' },
  { created_by: 'RUN more', comment: 'note' },
  { created_by: 'CMD', empty_layer: true },
];

function read(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
}

describe('reworkConfig', () => {
  it.each([0, 1, 2])('tells of all steps, of which %i and the last have a layer', (kept) => {
    const layers = [...['a', 'b'].slice(0, kept), 'new'].map(diffId);
    const made = reworkConfig(makeConfig(['a', 'b', 'c'], history), { layers, step });
    const parsed = parseImageConfig(made, 'it');
    expect(parsed.diffIds).toEqual(layers);
    expect(parsed.history.map(({ createdBy }) => createdBy)).toEqual([
      ...history.map((entry) => entry.created_by),
      'bundlefs squash',
    ]);
    expect(layerSteps(parsed.history)).toEqual([
      ...['ADD base', 'COPY app'].slice(0, kept),
      'bundlefs squash',
    ]);
    expect(parsed.history.at(-1)?.created).toBe('2024-06-01T12:00:00Z');
  });

  it.each<[string, object[] | undefined]>([
    ['no history', undefined],
    ['one that is too short', [{ created_by: 'FROM' }]],
    ['one that is too long', ['a', 'b', 'c', 'd'].map((name) => ({ created_by: name }))],
  ])('has as many steps as layers where the image has %s', (_, own) => {
    const layers = ['a', 'new'].map(diffId);
    const made = parseImageConfig(reworkConfig(makeConfig(['a', 'b', 'c'], own), { layers, step }), 'it');
    expect(made.history.filter(({ isEmptyLayer }) => !isEmptyLayer)).toHaveLength(2);
  });

  it('keeps what the image is, and drops what tells of its making', () => {
    const config = makeConfig(['a', 'b'], history.slice(0, 3), {
      'moby.buildkit.cache.v0': 'x',
      author: 'me',
    });
    const made = read(reworkConfig(config, { layers: [diffId('new')], step }));
    const { container, container_config, parent, ...kept } = read(config);
    expect([container, container_config, parent]).not.toContain(undefined);
    delete kept['moby.buildkit.cache.v0'];
    expect(made).toEqual({ ...kept, rootfs: made['rootfs'], history: made['history'] });
  });

  it('joins the history of an older image with the steps that only the newer one has', () => {
    const base = makeConfig(['a', 'b'], history.slice(0, 3));
    const config = makeConfig(
      ['a', 'c', 'd'],
      [...history.slice(0, 2), { created_by: 'COPY new' }, { created_by: 'RUN x' }],
    );
    const made = parseImageConfig(
      reworkConfig(config, { layers: ['a', 'b', 'new'].map(diffId), base, step, labels: { image: 'x' } }),
      'it',
    );
    expect(made.history.map(({ createdBy, isEmptyLayer }) => [createdBy, isEmptyLayer])).toEqual([
      ['ADD base', false],
      ['ENV a=b', true],
      ['COPY app', false],
      ['COPY new', true],
      ['RUN x', true],
      ['bundlefs squash', false],
    ]);
    const labelled = read(reworkConfig(config, { layers: [diffId('n')], step, labels: { image: 'x' } }));
    expect(labelled['config']).toEqual({ Cmd: ['/a'], Labels: { mine: '1', image: 'x' } });
  });

  /** Values that JSON.parse and JSON.stringify would write in another way, or lose. */
  const kept = [
    '"vendor.build":9007199254740993',
    '"ratio":1.0',
    '"huge":1e400',
    '"zero":-0',
    '"__proto__":{"a":1}',
    '"path":"C:\\/x\\u0041"',
    '"9":1,"1":2',
    '"twice":1,"twice":2',
    '"odd":{ "a" : [1,  2] }',
    '"text":"\xc3\xa9"',
  ];
  it.each(kept)('keeps %s to the byte, and all of them in their order', (text) => {
    const { config: settings, ...rest } = read(makeConfig(['a', 'b'], history.slice(0, 3)));
    const write = (more: string): Buffer =>
      Buffer.from(
        `{${more},"config":{"Memory":9007199254740993,${more}},${JSON.stringify(rest).slice(1, -1)}}`,
        'latin1',
      );
    const made = reworkConfig(write(text), { layers: [diffId('new')], step, labels: { x: 'y' } });
    const found = Buffer.from(made).toString('latin1');
    expect(found).toContain(`{${text},"config":{"Memory":9007199254740993,${text},"Labels":{"x":"y"}}`);
    expect(settings).toBeDefined();
    const all = Buffer.from(
      reworkConfig(write(kept.slice(0, -1).join(',')), { layers: [diffId('n')], step }),
    );
    expect(all.toString('latin1').startsWith(`{${kept.slice(0, -1).join(',')},"config"`)).toBe(true);
  });

  it('replaces the keys that engines take for its own, in any case and however often they occur', () => {
    const base = makeConfig(['a', 'b'], history.slice(0, 3)).toString();
    const doubled = `${base.slice(0, -1)},"History":[],"ROOTFS":{"type":"layers","diff_ids":[]},"CONTAINER":"y","Parent":"z"}`;
    const made = reworkConfig(Buffer.from(doubled), { layers: [diffId('n')], step });
    const keys = Object.keys(read(made)).map((key) => key.toLowerCase());
    expect(keys.filter((key) => ['rootfs', 'history', 'container', 'parent'].includes(key))).toEqual([
      'rootfs',
      'history',
    ]);
  });

  it('changes the labels of the last config, and its steps however their keys are written', () => {
    const rest = '"architecture":"arm","os":"linux","rootfs":{"type":"layers","diff_ids":[]}';
    const make = (text: string): string =>
      Buffer.from(
        reworkConfig(Buffer.from(`{${rest},${text}}`), { layers: [diffId('n')], step, labels: { x: 'y' } }),
      ).toString();
    expect(make('"config":{"A":1},"Config":{"labels":{"z":"1","x":"2"}}')).toContain(
      '"config":{"A":1},"Config":{"labels":{"z":"1","x":"y"}}',
    );
    expect(make('"config":null')).toContain('"config":{"Labels":{"x":"y"}}');
    expect(make('"config":{"Labels":null,"A":1.0}')).toContain('"config":{"Labels":{"x":"y"},"A":1.0}');
    expect(make('"config":{"Labels":{"x":"1","x":"2"}}')).toContain('{"Labels":{"x":"y"}}');
    expect(make('"history":[{"created_by":"a","Empty_Layer":true,"n":1.0}]')).toContain(
      '"history":[{"created_by":"a","Empty_Layer":true,"n":1.0},',
    );
  });

  it('throws config-corrupt for what is no config', () => {
    for (const text of ['[]', 'x', '', '1']) {
      expect(() => reworkConfig(Buffer.from(text), { layers: [diffId('n')], step })).toThrow(
        expect.objectContaining({ code: 'config-corrupt' }) as Error,
      );
    }
  });
});
