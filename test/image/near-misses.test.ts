import { describe, expect, it } from 'vitest';
import { findNearMisses } from '../../src/image/near-misses.ts';

const known = [
  'docker.io/shop/web:1',
  'docker.io/shop/web:2',
  'docker.io/shop/worker:1',
  'docker.io/library/redis:7',
  'localhost:5000/odd:1',
];

describe('findNearMisses', () => {
  it('has other tags of the repository first, the nearest first', () => {
    const tags = ['shop/web:3.1.1', 'shop/web:latest', 'shop/web:3.2', 'shop/wob:3.1'];
    expect(findNearMisses('shop/web:3.1', tags)).toEqual([
      'shop/web:3.2',
      'shop/web:3.1.1',
      'shop/web:latest',
      'shop/wob:3.1',
    ]);
  });

  it('finds names with a letter wrong, whatever the tag', () => {
    expect(findNearMisses('docker.io/shop/wbe:latest', known)).toEqual(['shop/web:1', 'shop/web:2']);
    expect(findNearMisses('shop/wev:latest', known)).toEqual(['shop/web:1', 'shop/web:2']);
    expect(findNearMisses('rdeis:8', known)).toEqual(['redis:7']);
    expect(findNearMisses('redis:8', known)).toEqual(['redis:7']);
    expect(findNearMisses('localhost:5000/add:1', known)).toEqual(['localhost:5000/odd:1']);
  });

  it('finds nothing where nothing is near, and five at most', () => {
    expect(findNearMisses('postgres:16', known)).toEqual([]);
    expect(
      findNearMisses(
        'a:1',
        Array.from({ length: 9 }, (_, index) => `a:${index + 2}`),
      ),
    ).toHaveLength(5);
  });
});
