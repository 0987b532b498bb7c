/** What is drawn of the results. */
import { linePlot } from './line-plot.ts';
import type { Measured } from './measure.ts';

export function completionPlot({ name, curve, boundSeconds, boundBy, ratio }: Measured): string {
  const bound = [
    [boundSeconds, 0],
    [boundSeconds, 100],
  ] as const;
  return linePlot({
    title: `${name}: the last one is done after ${ratio.toFixed(2)} × the bound`,
    x: 'seconds',
    y: '% of the nodes that have everything',
    yMax: 100,
    series: [
      { name: 'done', points: curve.map(([seconds, share]) => [seconds, share * 100]) },
      { name: `lower bound (${boundBy})`, points: bound, dashed: true },
    ],
  });
}

export function ratioPlot(results: readonly Measured[]): string {
  const over = (pick: (one: Measured) => number) => results.map((one) => [one.nodes, pick(one)] as const);
  return linePlot({
    title: 'mixed links, 5 % churn a minute: time over the number of nodes',
    x: 'nodes',
    y: '× lower bound',
    logX: true,
    series: [
      { name: 'last one done', points: over(({ ratio }) => ratio) },
      { name: '95 % done', points: over(({ p95Seconds, boundSeconds }) => p95Seconds / boundSeconds) },
      { name: 'half done', points: over(({ p50Seconds, boundSeconds }) => p50Seconds / boundSeconds) },
    ],
  });
}
