/** A line plot as SVG: axes with round numbers, one line a series, a legend. Colours work on white and on dark. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly dashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Ticks at powers of ten. */
  readonly logX?: boolean;
  readonly yMax?: number;
}

const [WIDTH, HEIGHT] = [760, 420];
const AREA = { left: 70, top: 40, right: 20, bottom: 50 };
const COLOURS = ['#3b78c4', '#d1762b', '#3f9b57', '#b0449a', '#c24848', '#7a6bd0', '#8a7a2b'];

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

export function linePlot(options: PlotOptions): string {
  const points = options.series.flatMap((one) => one.points);
  const xs = points.map(([x]) => x);
  const xAxis = options.logX ? logAxis(xs) : axis(0, Math.max(...xs), AREA.left, WIDTH - AREA.right);
  const yMax = options.yMax ?? Math.max(...points.map(([, y]) => y));
  const yAxis = axis(0, yMax, HEIGHT - AREA.bottom, AREA.top);
  const parts = [
    text(WIDTH / 2, 22, options.title, 'middle', 15),
    ...xAxis.ticks.map((tick) => vertical(xAxis.place(tick), tick)),
    ...yAxis.ticks.map((tick) => horizontal(yAxis.place(tick), tick)),
    text((AREA.left + WIDTH - AREA.right) / 2, HEIGHT - 12, options.x, 'middle'),
    `<text x="18" y="${HEIGHT / 2}" transform="rotate(-90 18 ${HEIGHT / 2})" text-anchor="middle">${escapeXml(options.y)}</text>`,
    ...options.series.map((one, index) => line(one, index, xAxis, yAxis)),
    ...options.series.map((one, index) => legend(one.name, index)),
  ];
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#888">`;
  return `${open}\n${parts.join('\n')}\n</svg>\n`;
}

function axis(least: number, most: number, from: number, to: number): Axis {
  const step = roundStep((most - least) / 6);
  const end = Math.ceil(most / step) * step;
  const ticks = Array.from({ length: Math.round((end - least) / step) + 1 }, (_, index) => least + index * step);
  return { ticks, place: (value) => from + ((value - least) / (end - least)) * (to - from) };
}

function logAxis(values: readonly number[]): Axis {
  const [least, most] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const width = WIDTH - AREA.right - AREA.left;
  return {
    ticks: Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index)),
    place: (value) => AREA.left + ((Math.log10(value) - least) / Math.max(1, most - least)) * width,
  };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
}

function line({ points, dashed }: Series, index: number, x: Axis, y: Axis): string {
  const path = points.map(([px, py]) => `${x.place(px).toFixed(1)},${y.place(py).toFixed(1)}`).join(' ');
  const dash = dashed ? ' stroke-dasharray="6 4"' : '';
  return `<polyline points="${path}" fill="none" stroke="${colour(index)}" stroke-width="2"${dash}/>`;
}

function vertical(x: number, tick: number): string {
  const rule = `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${AREA.top}" y2="${HEIGHT - AREA.bottom}" stroke="#8884"/>`;
  return rule + text(x, HEIGHT - AREA.bottom + 18, label(tick), 'middle');
}

function horizontal(y: number, tick: number): string {
  const rule = `<line x1="${AREA.left}" x2="${WIDTH - AREA.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#8884"/>`;
  return rule + text(AREA.left - 8, y + 4, label(tick), 'end');
}

function legend(name: string, index: number): string {
  const y = HEIGHT - AREA.bottom - 14 - index * 17;
  return `<rect x="${WIDTH - AREA.right - 200}" y="${y - 9}" width="10" height="10" fill="${colour(index)}"/>${text(WIDTH - AREA.right - 184, y, name, 'start')}`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escapeXml(words)}</text>`;
}

function label(tick: number): string {
  return Number(tick.toPrecision(6)).toLocaleString('en');
}

function escapeXml(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#888';
}
