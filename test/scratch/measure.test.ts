import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { writeFileSync } from 'node:fs';
import { TarStart } from '../../src/tar/tar-start.ts';
import { it } from 'vitest';
import { loadableCases } from '../fixtures/loadable-cases.ts';
import { packMembers } from '../fixtures/pack-members.ts';
import { readLoadMessages } from '../../src/sources/engine/load-messages.ts';
import { startEngine } from '../support/throwaway-engine.ts';
import { parseImageConfig } from '../../src/image/image-config.ts';

const hex = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');
it('measures', { timeout: 600_000 }, async () => {
  const sid = `${homedir()}/.cache/bundlefs-test/sid-debs-1`;
  await using old = await startEngine();
  await using recent = await startEngine({ path: `${sid}/usr/sbin:${sid}/usr/bin:${process.env['PATH']}:/usr/sbin` });
  await using c8d = await startEngine({ path: `${sid}/usr/sbin:${sid}/usr/bin:${process.env['PATH']}:/usr/sbin`, settings: { features: { 'containerd-snapshotter': true } } });
  const lines: string[] = [];
  for (const { name, image } of loadableCases.filter(({ name }) => name.startsWith('layer '))) {
    const names = image.layers.map((l) => `${hex(l)}.tar`);
    const cfg = `${hex(image.config)}.json`;
    const manifest = JSON.stringify([{ Config: cfg, RepoTags: image.tags, Layers: names }]);
    const distinct = new Map(image.layers.map((l, i) => [names[i]!, l]));
    const tar = await packMembers([...[...distinct].map(([n, l]) => ({ name: n, content: l })), { name: cfg, content: image.config }, { name: 'manifest.json', content: manifest }]);
    const verdicts = [];
    for (const e of [old, recent, c8d]) verdicts.push(await load(e.host, tar));
    let own = 'ok'; for (const layer of image.layers) { const st = new TarStart(); for (let i = 0; i < layer.length; i += 100) st.push(layer.subarray(i, i + 100)); const f = st.findFaultAtEnd(); if (st.findFault() !== undefined && st.findFault() !== f) throw new Error('x'); if (f) own = f; }
    try { parseImageConfig(image.config, 'it'); } catch (error) { own = String((error as Error).message).slice(0, 90); }
    lines.push([name.slice(0,60), ...verdicts.map((v) => (v === 'ok' ? 'ok' : 'NO')), own === 'ok' ? 'ok' : 'NO', ...verdicts.map((v) => v.slice(0, 110)), own].join('\t'));
  }
  writeFileSync('/tmp/images/measured.tsv', lines.join('\n') + '\n');
});

async function load(host: string, tar: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const r = request({ socketPath: host.slice(7), path: '/images/load?quiet=1', method: 'POST', headers: { 'content-type': 'application/x-tar', 'content-length': tar.length } }, (res) => {
      readLoadMessages(res).then(({ error, said }) => resolve(error ?? (/Error/.test(said) ? said.replace(/\s+/g, ' ') : res.statusCode === 200 ? 'ok' : `status ${res.statusCode} ${said}`)), (e: Error) => resolve(`threw ${e.message}`));
    });
    r.on('error', (e) => resolve(`socket ${e.message}`));
    r.end(tar);
  });
}
