/** How fast a time grows with a count: the exponent of the power law that fits best. */

export interface TimeOfCount {
  readonly count: number;
  /** Seconds, without what starting costs. */
  readonly seconds: number;
}

/** The slope of the line of least squares through the logarithms: 1 for linear growth, 2 for the square. */
export function findExponent(points: readonly TimeOfCount[]): number {
  const logs = points.map(({ count, seconds }) => [Math.log(count), Math.log(seconds)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))];
  const over = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return over / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
