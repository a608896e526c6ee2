import { expect, it } from 'vitest';
import { compareImages } from '../../../src/mount/live/log-refresh.ts';

const image = (id: string, ...names: string[]): { names: string[]; id: string; layers: string[] } => ({
  names,
  id,
  layers: [],
});

it('compareImages tells added, removed and changed names apart, whatever the order', () => {
  const before = [image('1', 'a:1', 'a:latest'), image('2', 'b:1'), image('3')];
  const after = [image('4', 'c:1'), image('2', 'b:1'), image('5', 'a:latest'), image('1', 'a:1')];
  expect(compareImages(before, after)).toEqual({ added: ['c:1'], removed: ['3'], changed: ['a:latest'] });
  expect(compareImages(after, [...after].reverse())).toEqual({ added: [], removed: [], changed: [] });
});
