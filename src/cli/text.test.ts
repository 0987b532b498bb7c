import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip, displayWidth, padTo, printable } from './display-width.ts';
import { formatAge, formatClock, formatDuration, formatParameters, formatPercent, formatRate } from './format.ts';
import { isWorthALine, type ProgressView, renderBar, renderPlain } from './progress-line.ts';
import { layoutPairs, layoutTable } from './table.ts';

describe('display-width', () => {
  test('printable() takes the escape out of an escape sequence that a peer put in a name', () => {
    expect(printable('evil\u001b[2Jname\u202e\r\n')).toBe('evil\ufffd[2Jname\ufffd\ufffd\ufffd');
  });

  test('displayWidth() counts wide characters twice and marks not at all', () => {
    expect(displayWidth('模型')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  test('clip() never returns more cells than asked for, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 40 }), (text, cells) => {
        expect(displayWidth(clip(text, cells))).toBeLessThanOrEqual(cells);
      }),
    );
  });

  test('padTo() fills to the cells on the side that it is told', () => {
    expect(padTo('a', 3)).toBe('a  ');
    expect(padTo('a', 3, 'right')).toBe('  a');
  });
});

describe('table', () => {
  const columns = [
    { title: 'MODEL', shrinks: true },
    { title: 'SIZE', align: 'right' as const },
  ];

  test('layoutTable() aligns columns and cuts nothing without a width', () => {
    expect(
      layoutTable(columns, [
        ['org/a-rather-long-name', '1 MB'],
        ['b', '20 MB'],
      ]),
    ).toEqual(['MODEL                    SIZE', 'org/a-rather-long-name   1 MB', 'b                       20 MB']);
  });

  test('layoutTable() cuts what may shrink until the table fits the terminal', () => {
    expect(layoutTable(columns, [['org/a-rather-long-name', '1 MB']], 20)).toEqual([
      'MODEL           SIZE',
      'org/a-rather-…  1 MB',
    ]);
  });

  test('layoutTable() fits any rows whose fixed columns fit', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 8 }), fc.integer({ min: 20, max: 100 }), (names, width) => {
        for (const line of layoutTable(
          columns,
          names.map((name) => [name, '1 MB']),
          width,
        ))
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('layoutPairs() aligns values', () => {
    expect(
      layoutPairs([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toEqual(['a     1', 'long  2']);
  });
});

describe('format', () => {
  test.each([
    [0, '0:00'],
    [65, '1:05'],
    [3723, '1:02:03'],
  ])('formatClock(%d) is %s', (seconds, text) => expect(formatClock(seconds)).toBe(text));

  test.each([
    [12, '12 ms'],
    [3200, '3.2 s'],
    [59_960, '1 min 0 s'],
    [245_000, '4 min 5 s'],
    [7_380_000, '2 h 3 min'],
    [435_600_000, '5 d 1 h'],
  ])('formatDuration(%d) is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test('formatRate() shows megabits as bytes', () => {
    expect([800, 84 * 8, 0.064].map(formatRate)).toEqual(['100 MB/s', '84.0 MB/s', '8.0 kB/s']);
  });

  test.each([
    [undefined, undefined],
    [1.5e-8, '15'],
    [0.0598, '59.8 million'],
    [0.9999, '1 billion'],
    [7.24, '7.24 billion'],
  ])('formatParameters(%d) is %s', (billions, text) => expect(formatParameters(billions)).toBe(text));

  test('formatPercent() never says 100 before the end, nor leaves 0 to 100', () => {
    expect([99.99, 100, 250, -1].map(formatPercent)).toEqual(['99%', '100%', '100%', '0%']);
  });

  test('formatAge() says so without a time and keeps what it cannot read', () => {
    const nowMs = Date.parse('2026-01-01T00:10:00Z');
    expect(formatAge(null, nowMs)).toBe('not lately');
    expect(formatAge('whenever', nowMs)).toBe('whenever');
    expect(formatAge('2026-01-01T00:00:00Z', nowMs)).toBe('10 min ago');
    expect(formatAge('2026-01-01T00:09:59.5Z', nowMs)).toBe('just now');
  });
});

describe('progress-line', () => {
  const view: ProgressView = {
    label: 'org/llama3',
    doneBytes: 120_000_000,
    totalBytes: 256_000_000,
    rateMbps: 672,
    etaSeconds: 2,
    from: ['alpha', 'beta'],
  };

  test('renderBar() shows percent, bytes, rate, time left and from whom', () => {
    const line = renderBar(view, 120);
    expect(line).toContain('━━━━');
    expect(line).toContain('46%  120 MB / 256 MB  84.0 MB/s  0:02 left  from alpha, beta');
  });

  test('renderBar() leaves the last column free at any width', () => {
    for (let columns = 21; columns < 200; columns += 1)
      expect(displayWidth(renderBar(view, columns))).toBeLessThan(columns);
  });

  test('renderPlain() says the same without a bar, and only bytes where the whole is unknown', () => {
    expect(renderPlain(view)).toBe('org/llama3:  46%  120 MB / 256 MB  84.0 MB/s  0:02 left  from alpha, beta');
    expect(renderPlain({ label: 'x', doneBytes: 1500, totalBytes: 0 })).toBe('x: 1.5 kB');
  });

  test.each([
    ['the first', undefined, { percent: 0, atMs: 0 }, true],
    ['one in the same second', { percent: 0, atMs: 0 }, { percent: 90, atMs: 900 }, false],
    ['one with 10 % more', { percent: 9, atMs: 0 }, { percent: 10, atMs: 1000 }, true],
    ['one with little more', { percent: 10, atMs: 0 }, { percent: 19, atMs: 1000 }, false],
    ['one after 5 s', { percent: 10, atMs: 0 }, { percent: 10, atMs: 5000 }, true],
  ])('isWorthALine() of %s', (_what, last, now, worth) => expect(isWorthALine(last, now)).toBe(worth));
});
