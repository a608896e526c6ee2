/** Reads the text format of Prometheus as strictly as promtool does, for what bundlefs writes of it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples. Throws where a line is malformed, and where a metric has no help and type before it or comes again. */
export function parseMetrics(text: string): readonly Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  let helped = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)$/.exec(line);
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
    if (help !== null) {
      helped = help[1] ?? '';
    } else if (type !== null) {
      const [, name = '', kind = ''] = type;
      if (name !== helped || types.has(name)) throw new Error(`a type out of place: ${line}`);
      if ((kind === 'counter') !== name.endsWith('_total')) throw new Error(`a name that misleads: ${name}`);
      types.set(name, kind);
    } else if (sample !== null) {
      const [, name = '', labels = '', value] = sample;
      if (name !== helped || !types.has(name)) throw new Error(`a sample out of place: ${line}`);
      samples.push({ name, labels: parseLabels(labels), value: Number(value) });
    } else {
      throw new Error(`a line that is none: ${JSON.stringify(line)}`);
    }
  }
  if (new Set(samples.map(({ name }) => name)).size !== samples.length)
    throw new Error('a sample comes twice');
  return samples;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const pattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw new Error(`labels that are none: ${text}`);
    const [, name = '', value = ''] = match;
    labels[name] = value.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
