/** The page in a real browser. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../../src/product/stick/page/render-page.ts';
import { sketchBundle, type SketchedImage, sketchParts } from './descriptions.ts';

const image = (name: string, ...layers: string[]): SketchedImage => ({
  names: [`docker.io/${name}`],
  content: name,
  layers,
});

const shop = [
  image('shop/api:1', 'base:20000000', 'node:12000000', 'api:3000000'),
  image('shop/web:1', 'base:20000000', 'node:12000000', 'web:900000'),
  image('shop/db:15', 'base:20000000', 'db:60000000'),
];
const before = [
  image('shop/api:0', 'base:20000000', 'node:12000000', 'api-old:2900000'),
  image('shop/web:1', 'base:20000000', 'node:12000000', 'web:900000'),
  image('shop/gone:1', 'gone:5'),
];
const shopPage = renderPage({ ...sketchBundle(shop), previous: sketchBundle(before).description });

interface DrawnLayer {
  readonly letter: string;
  readonly colour: string;
  readonly width: number;
}

let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bfs-page-'));
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});

/** Opens `html` as the file that it is on a stick; `heard` gets what the browser complains of and asks for. */
async function openPage(
  html: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; heard: string[]; [Symbol.asyncDispose]: () => Promise<void> }> {
  const path = join(folder, 'index.html');
  await writeFile(path, html);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const heard: string[] = [];
  page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => heard.push(error.message));
  page.on('dialog', (dialog) => heard.push(`dialog: ${dialog.message()}`));
  page.on('request', (request) => heard.push(request.url()));
  await page.goto(`file://${path}`);
  return { page, heard, [Symbol.asyncDispose]: () => context.close() };
}

const isOwnFile = (text: string): boolean => /^(file:\/\/\S*\/index\.html|data:,)$/.test(text);

describe('index.html', () => {
  it('asks for nothing but itself, and the browser has nothing to complain of', async () => {
    await using opened = await openPage(shopPage);
    await opened.page.waitForLoadState('networkidle');
    expect(opened.heard.filter((text) => !isOwnFile(text))).toEqual([]);
    expect(shopPage).not.toMatch(/\b(?:src|href)="(?!#|data:,)/);
    expect(shopPage).not.toMatch(/@import|url\(|https?:/);
  }, 60_000);

  it('says what is there, what changed, and how to load it, without any script', async () => {
    await using opened = await openPage(shopPage, { javaScriptEnabled: false });
    const { page } = opened;
    const text = await page.locator('body').innerText();
    for (const words of [
      'shop/api:1',
      'shop/web:1',
      'shop/db:15',
      'shop/gone:1',
      'sh load.sh',
      'sh verify.sh',
    ]) {
      expect(text).toContain(words);
    }
    expect(await page.locator('.changes li').allInnerTexts()).toEqual([
      expect.stringMatching(/rebuilt\s+shop\/api:1 was shop\/api:0, 3\.0 MB in new layers/),
      expect.stringMatching(/new\s+shop\/db:15 60\.0 MB in new layers/),
      expect.stringMatching(/removed\s+shop\/gone:1/),
    ]);
    expect(await page.locator('button').count()).toBe(0);
    expect(await page.locator('h1, h2, h3').allInnerTexts()).toContain('Windows');
  }, 60_000);

  it('draws layers to one scale, and a shared one with the same colour and letter everywhere', async () => {
    await using opened = await openPage(shopPage);
    const bars = await opened.page.evaluate<DrawnLayer[][]>(`
      [...document.querySelectorAll('.image .bar')].map((bar) =>
        [...bar.querySelectorAll('.layer')].map((layer) => ({
          letter: layer.querySelector('text')?.textContent ?? '',
          colour: getComputedStyle(layer.querySelector('rect')).fill,
          width: layer.querySelector('rect').getBoundingClientRect().width,
        })))`);
    const [api = [], web = [], db = []] = bars;
    expect([api[0]?.letter, web[0]?.letter, db[0]?.letter]).toEqual(['A', 'A', 'A']);
    expect([api[1]?.letter, web[1]?.letter, db[1]?.letter]).toEqual(['B', 'B', '']);
    expect(new Set([api[0]?.colour, web[0]?.colour, db[0]?.colour]).size).toBe(1);
    expect(api[1]?.colour).not.toBe(api[0]?.colour);
    const perByte = (db[1]?.width ?? 0) / 60_000_000;
    for (const [layer, size] of [
      [api[0], 20e6],
      [api[1], 12e6],
      [api[2], 3e6],
      [web[2], 0.9e6],
      [db[0], 20e6],
    ] as const) {
      expect(layer?.width).toBeGreaterThan(size * perByte - 1);
      expect(layer?.width).toBeLessThan(size * perByte + 1);
    }
  }, 60_000);

  it('is all reached by keyboard, and shows where the focus is', async () => {
    await using opened = await openPage(shopPage);
    const { page } = opened;
    const reached: string[] = [];
    const wanted = await page.evaluate<number>(`
      [...document.querySelectorAll('a[href], button, summary, pre')].filter((element) => element.checkVisibility()).length`);
    for (let index = 0; index < wanted; index += 1) {
      await page.keyboard.press('Tab');
      const seen = await page.evaluate<{ tag: string; outline: string }>(`({
        tag: document.activeElement.tagName,
        outline: getComputedStyle(document.activeElement).outline,
      })`);
      reached.push(seen.tag);
      expect(seen.outline).toMatch(/solid 3px/);
    }
    expect(new Set(reached)).toEqual(new Set(['A', 'BUTTON', 'SUMMARY', 'PRE']));

    await page.locator('.image summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.image details').first().getAttribute('open')).not.toBeNull();
    await page.locator('button.key').first().focus();
    await page.keyboard.press('Space');
    expect(await page.locator('button.key').first().getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('.image .layer.picked').count()).toBe(3);
    await page.keyboard.press('Escape');
    expect(await page.locator('.layer.picked').count()).toBe(0);
  }, 60_000);

  it('fits a screen of 320 pixels and a wide one, with nothing cut off at the side', async () => {
    const parts = sketchParts(Array.from({ length: 12 }, (_, index) => `part ${index}`));
    const long = image(
      `registry.example.com:5000/${'a-long-name/'.repeat(8)}app:${'v'.repeat(128)}`,
      'base:20000000',
    );
    const html = renderPage({
      ...sketchBundle([...shop, long], { parts }),
      previous: sketchBundle(before).description,
    });
    for (const width of [320, 640, 1920]) {
      await using opened = await openPage(html, { viewport: { width, height: 800 } });
      await opened.page.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`);
      expect(await opened.page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    }
  }, 60_000);

  it('is dark where the system is', async () => {
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await using opened = await openPage(shopPage, { colorScheme });
      grounds.push(await opened.page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
    }
    expect(grounds).toEqual(['rgb(255, 255, 255)', 'rgb(21, 24, 28)']);
  }, 60_000);

  it('prints everything, also what is folded up, on paper of its own colour', async () => {
    await using opened = await openPage(shopPage, { colorScheme: 'dark', javaScriptEnabled: false });
    const { page } = opened;
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate<string>('getComputedStyle(document.body).color')).toBe('rgb(27, 32, 38)');
    expect(await page.locator('nav').isVisible()).toBe(false);
    expect(await page.getByText('docker load -i images.tar.xz').isVisible()).toBe(true);
    expect(await page.getByText('RUN make api:3000000').isVisible()).toBe(true);
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
  }, 60_000);

  it('shows hostile names and steps as text', async () => {
    const hostile = [
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "' onfocus='alert(1)' autofocus='",
      '</style><svg onload=alert(1)>',
      'safe\u202egnp.exe\u0000\u001b[31m',
      '${alert(1)}{{alert(1)}}<!--',
    ];
    const images = hostile.map((text, index) => ({
      names: [`${text}:${index}`],
      content: text,
      layers: ['base:100', `own ${index}:50`],
      steps: [text, `</code></li>${text}`],
      platform: text,
    }));
    const input = sketchBundle(images, { tool: hostile[0] ?? '', created: '<b>never</b>' });
    await using opened = await openPage(renderPage({ ...input, previous: sketchBundle(shop).description }));
    const { page, heard } = opened;
    expect(heard.filter((text) => !isOwnFile(text))).toEqual([]);
    expect(
      await page.locator('main img, main script, [onerror], [onload], [onfocus], [autofocus]').count(),
    ).toBe(0);
    expect(await page.locator('h3').first().textContent()).toContain('<script>alert(1)</script>:0');
    const content = await page.content();
    for (const hidden of ['\u202e', '\u0000', '\u001b']) expect(content.includes(hidden)).toBe(false);
    expect(await page.locator('.image').count()).toBe(hostile.length);
  }, 60_000);

  it('says how to join the parts of a split archive', async () => {
    const html = renderPage(sketchBundle(shop, { parts: sketchParts(['a', 'b', 'c']) }));
    await using opened = await openPage(html);
    const text = (await opened.page.locator('main').textContent()) ?? '';
    expect(text).toContain('in 3 parts');
    expect(text).toContain('cat images.tar.xz.001 images.tar.xz.002 images.tar.xz.003 | docker load');
    expect(text).toContain('copy /b images.tar.xz.001+images.tar.xz.002+images.tar.xz.003 images.tar.xz');
    expect(await opened.page.locator('.sums dd').count()).toBe(4);
    expect(text).not.toContain('What changed');
  }, 60_000);
});
