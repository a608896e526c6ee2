/** The looks of the page: light and dark, from 320 pixels up, and on paper. */

/**
 * Colours of groups, each with the colour of text upon it. Text has at least 4.5:1 on its ground, and bars at least 3:1
 * on the page (WCAG 2.2, 1.4.3 and 1.4.11); test/stick checks it.
 */
export const palettes = {
  light: {
    paper: '#ffffff',
    shade: '#f4f5f6',
    ink: '#1b2026',
    quiet: '#59616b',
    line: '#d5d9de',
    link: '#0b57a4',
    fresh: '#0b6b3a',
    own: '#868f99',
    onGroup: '#ffffff',
    groups: ['#1f5fa8', '#a8401f', '#24754a', '#7a4a9e', '#806000', '#a8336b', '#0d717c', '#735344'],
  },
  dark: {
    paper: '#15181c',
    shade: '#1f2429',
    ink: '#e6e9ec',
    quiet: '#a3acb5',
    line: '#394149',
    link: '#86bbf2',
    fresh: '#6fd39a',
    own: '#6f7983',
    onGroup: '#10141a',
    groups: ['#7db0ee', '#f0967a', '#79c99a', '#c3a0e6', '#d9b44a', '#ee8fbd', '#5fc4cf', '#c4a98c'],
  },
} as const;

type Palette = (typeof palettes)[keyof typeof palettes];

function variablesOf(palette: Palette): string {
  const { groups, ...others } = palette;
  return [
    ...Object.entries(others).map(([name, value]) => `--${name}:${value};`),
    ...groups.map((value, index) => `--g${index + 1}:${value};`),
  ].join('');
}

const groupRules = palettes.light.groups
  .map(
    (_, index) =>
      `.g${index + 1} .fill{fill:var(--g${index + 1})}.mark.g${index + 1}{background:var(--g${index + 1})}`,
  )
  .join('\n');

/** Plain CSS, without anything from elsewhere. */
export const pageStyle = `
:root{color-scheme:light dark;${variablesOf(palettes.light)}}
@media (prefers-color-scheme:dark){:root{${variablesOf(palettes.dark)}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;padding:clamp(1.5rem,5vw,4rem) clamp(1rem,5vw,3rem);max-width:68rem;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em}
h1,h2,h3{line-height:1.2;text-wrap:balance;overflow-wrap:anywhere}
h1{margin:0;font-size:clamp(1.75rem,1.2rem + 2.4vw,2.75rem);font-weight:650;letter-spacing:-.02em}
h2{margin:0 0 .75rem;font-size:1.375rem;font-weight:650;letter-spacing:-.01em}
h3{margin:0;font-size:1.0625rem;font-weight:650}
p{margin:.5rem 0;max-width:50rem;overflow-wrap:break-word}
a{color:var(--link);text-underline-offset:.2em}
ul,ol{margin:0;padding:0;list-style:none}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.lead{margin:.75rem 0 0;color:var(--quiet)}
nav{margin-top:1.25rem;padding:.625rem 0;border-block:1px solid var(--line)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}
nav a{display:inline-block;padding:.25rem 0}
main>section{margin-top:3rem;scroll-margin-top:1rem}
summary{padding:.25rem 0;color:var(--link);cursor:pointer;width:fit-content}
summary::marker{color:var(--quiet)}
.tag{display:inline-block;padding:0 .5em;border:1px solid currentColor;border-radius:1em;color:var(--fresh);font-size:.8125rem;line-height:1.5;white-space:nowrap}
.note,.facts,small,figcaption{color:var(--quiet)}
.facts,figcaption,small{font-size:.875rem}
.facts{margin:.25rem 0 .5rem;overflow-wrap:anywhere}
.changes{margin:.75rem 0}
.changes li{display:grid;grid-template-columns:6rem minmax(0,1fr);gap:.75rem;padding:.375rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.changes .tag{justify-self:start;align-self:start;margin-top:.1rem}
figure{margin:1.25rem 0 .5rem}
.bar{display:block;width:100%;height:34px;overflow:visible}
.layer{height:34px}
.layer .fill{fill:var(--own);stroke:var(--paper);stroke-width:1}
.layer .new{fill:var(--fresh)}
.layer text{fill:var(--onGroup);font-size:12px;font-weight:650;text-anchor:middle;pointer-events:none}
${groupRules}
[data-picked] .layer:not(.picked){opacity:.22}
.mark{display:inline-block;min-width:1.9rem;height:1.25rem;padding:0 .25rem;border-radius:3px;background:var(--own);color:var(--onGroup);font-size:.75rem;font-weight:650;line-height:1.25rem;text-align:center}
.new-mark{display:inline-block;width:1.9rem;height:4px;background:var(--fresh);vertical-align:middle}
.key-list{margin:.25rem 0 1rem;columns:22rem auto;column-gap:2rem}
.key-list li{display:flex;gap:.625rem;padding:.25rem 0;break-inside:avoid;font-size:.9375rem}
.key-list li>:last-child{min-width:0;overflow-wrap:anywhere}
.names{color:var(--quiet)}
.key{flex:none;align-self:flex-start;min-width:2.125rem}
button{font:inherit;color:inherit;cursor:pointer}
button.key{padding:2px;border:0;border-radius:5px;background:none;line-height:1.25rem}
button.key[aria-pressed=true]{box-shadow:0 0 0 2px var(--ink)}
.image{padding:1.25rem 0 1rem;border-top:1px solid var(--line)}
.title{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem .75rem}
.layers{margin:.25rem 0 .5rem}
.layers li{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:.25rem .75rem;align-items:start;padding:.375rem 0;border-top:1px solid var(--line)}
.layers li:first-child{border-top:0}
.step{overflow-wrap:anywhere;line-height:1.5}
.layers .mark{margin-top:.125rem}
.size{white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums}
.systems{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:2rem;margin-top:1rem}
.systems>section{min-width:0;padding-top:.75rem;border-top:3px solid var(--line)}
.command{position:relative;margin:.5rem 0}
pre{margin:.5rem 0;padding:.625rem .75rem;overflow-x:auto;border-radius:6px;background:var(--shade);line-height:1.5}
.command pre{margin:0;padding-right:5rem}
.copy{position:absolute;top:.3125rem;right:.3125rem;padding:.125rem .5rem;border:1px solid var(--line);border-radius:4px;background:var(--paper);color:var(--quiet);font-size:.8125rem}
.copy:hover{color:var(--ink);border-color:var(--quiet)}
dl{margin:.5rem 0}
dd{margin:0;overflow-wrap:anywhere}
.files{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.375rem 1.5rem}
.sums dt{margin-top:.5rem;overflow-wrap:anywhere}
.sums dd{color:var(--quiet)}
@media (max-width:34rem){
.layers li{grid-template-columns:auto minmax(0,1fr)}
.size{grid-column:2;text-align:left}
.changes li,.files{grid-template-columns:minmax(0,1fr)}
.changes li{gap:.125rem}
.files{gap:0}
.files dd{margin-bottom:.625rem}
}
@media (forced-colors:active){.fill,.mark,.new,.new-mark{forced-color-adjust:none}}
@page{margin:16mm 15mm}
@media print{
:root{color-scheme:light;${variablesOf(palettes.light)}}
body{max-width:none;padding:0;font-size:10pt}
nav,.copy{display:none}
main>section{margin-top:1.5rem}
.systems{grid-template-columns:1fr}
h2,h3,summary{break-after:avoid}
.layers li,.changes li,.title,.bar,pre{break-inside:avoid}
.image>.title,.image>.facts{break-after:avoid}
pre{white-space:pre-wrap;border:1px solid var(--line);overflow-wrap:anywhere}
.command pre{padding-right:.75rem}
.mark,.new-mark{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{content-visibility:visible;block-size:auto;opacity:1}
summary{list-style:none;color:var(--quiet)}
a{color:inherit;text-decoration:none}
[data-picked] .layer:not(.picked){opacity:1}
}
`;
