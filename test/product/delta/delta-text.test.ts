import { describe, expect, it } from 'vitest';
import { renderDeltaText } from '../../../src/product/delta/delta-text.ts';
import { digestOf } from '../../../src/ground/digest.ts';

const text = {
  format: 'a-1',
  summary: 'A delta.',
  tool: 'bundlefs 0',
  facts: {},
  script: 'load-delta.sh',
  main: 'load_main',
  own: { size: 0, digest: digestOf(Buffer.alloc(0)) },
} as const;

describe('renderDeltaText', () => {
  it('gives a shell no line that it could take for more than a line of a list', async () => {
    const good = ['sha256:ab,sha256:cd sha256:ef docker.io/shop/web:1,other:2 -', ''];
    const rendered = Buffer.from(
      await renderDeltaText({ ...text, lists: { delta_chains: good } }),
    ).toString();
    expect(rendered).toContain(`'${good[0] ?? ''}\n'`);
    for (const line of ["'", 'a\nb', 'a;b', '$(id)', "it's", 'a\rb']) {
      await expect(renderDeltaText({ ...text, lists: { delta_chains: [line] } })).rejects.toThrow(RangeError);
    }
  });
});
