import { describe, expect, it } from 'vitest';
import { formatDate, formatMoment } from '../../../src/product/stick/page/format-date.ts';
import { html, toHtml } from '../../../src/product/stick/page/html.ts';
import { groupLayers } from '../../../src/product/stick/page/layer-groups.ts';
import { palettes } from '../../../src/product/stick/page/page-style.ts';
import { sketchBundle } from './descriptions.ts';

/** WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
      const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

describe('palettes', () => {
  it.each(Object.entries(palettes))('have the contrast that WCAG AA wants: %s', (_, palette) => {
    const { paper, shade, onGroup, groups, own } = palette;
    for (const text of [palette.ink, palette.quiet, palette.link, palette.fresh]) {
      expect(contrast(text, paper)).toBeGreaterThanOrEqual(4.5);
    }
    for (const text of [palette.ink, palette.quiet])
      expect(contrast(text, shade)).toBeGreaterThanOrEqual(4.5);
    for (const group of groups) {
      expect(contrast(group, paper)).toBeGreaterThanOrEqual(3);
      expect(contrast(onGroup, group)).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(own, paper)).toBeGreaterThanOrEqual(3);
    expect(new Set(groups).size).toBe(groups.length);
  });
});

describe('groupLayers', () => {
  it('gives one letter to layers that the same images share, the largest first, and none to others', () => {
    const image = (content: string, ...layers: string[]) => ({ names: [], content, layers });
    const { description } = sketchBundle([
      image('a', 'base:10', 'x:1', 'y:2', 'own a:500', 'own a:500'),
      image('b', 'base:10', 'x:1', 'y:2'),
      image('c', 'base:10', 'z:100'),
      image('d', 'z:100'),
    ]);
    const { groups, findMark } = groupLayers(description);
    expect(groups.map(({ letter, imageIndexes, storedSize }) => [letter, imageIndexes, storedSize])).toEqual([
      ['A', [2, 3], 100],
      ['B', [0, 1, 2], 10],
      ['C', [0, 1], 3],
    ]);
    const layers = description.layers.map(({ diffId }) => findMark(diffId)?.label);
    expect(layers).toEqual(['B', 'C1', 'C2', undefined, 'A']);
  });

  it('has letters for any number of groups', () => {
    const images = Array.from({ length: 60 }, (_, index) => ({
      names: [],
      content: String(index),
      layers: [`l${index}:${1000 - index}`, `l${index + 1}:${999 - index}`],
    }));
    const letters = groupLayers(sketchBundle(images).description).groups.map(({ letter }) => letter);
    expect(new Set(letters).size).toBe(letters.length);
    expect(letters.slice(24, 29)).toEqual(['Y', 'Z', 'AA', 'AB', 'AC']);
  });
});

describe('html', () => {
  it('escapes all that is interpolated but markup of its own', () => {
    const text = `<&>"'`;
    expect(toHtml(html`<a title="${text}">${[html`<b>${1}</b>`, text]}${undefined}${false}</a>`)).toBe(
      '<a title="&lt;&amp;&gt;&quot;&#39;"><b>1</b>&lt;&amp;&gt;&quot;&#39;</a>\n',
    );
  });
});

describe('formatDate', () => {
  it('says nothing for what is no date, or one that builders write for none', () => {
    expect(formatDate('2026-02-03T23:59:59.5+02:00')).toBe('3 February 2026');
    expect(formatMoment('2026-11-25T10:05:59Z')).toBe('25 November 2026, 10:05 UTC');
    for (const text of [
      '',
      'yesterday',
      '0001-01-01T00:00:00Z',
      '1970-01-01T00:00:00Z',
      '1980-01-01T00:00:00Z',
    ]) {
      expect(formatDate(text)).toBeUndefined();
    }
  });
});
