import { describe, expect, it } from 'vitest';
import { createWorkLimit } from '../../src/ground/work-limit.ts';

describe('createWorkLimit', () => {
  it('never runs more weight at once than the limit, and starts work in order', async () => {
    const limit = createWorkLimit(10);
    let weight = 0;
    let highest = 0;
    const started: number[] = [];
    const results: Promise<number>[] = [];
    for (let index = 0; index < 30; index += 1) {
      const own = 1 + ((index * 7) % 10);
      const { result } = await limit.run(own, async () => {
        started.push(index);
        weight += own;
        highest = Math.max(highest, weight);
        await new Promise((resolve) => setImmediate(resolve));
        weight -= own;
        return index;
      });
      results.push(result);
    }
    expect(await Promise.all(results)).toEqual(started);
    expect(started).toEqual([...started].sort((a, b) => a - b));
    expect(highest).toBeLessThanOrEqual(10);
  });

  it('runs work heavier than the limit alone', async () => {
    const { result } = await createWorkLimit(1).run(100, () => Promise.resolve('done'));
    expect(await result).toBe('done');
  });

  it('makes room again when work fails', async () => {
    const limit = createWorkLimit(1);
    const failed = await limit.run(1, () => Promise.reject(new Error('broken')));
    await expect(failed.result).rejects.toThrow('broken');
    expect(await (await limit.run(1, () => Promise.resolve(2))).result).toBe(2);
  });
});
