/** Texts of the line opcodes as Python reads them. Pure. Spec: docs/spec/07-formats.md §5.3. */

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};

/** STRING: quoted, with the escapes of bytes; `'o\x73'` is `os`. */
export function decodeEscapes(line: string): string {
  const quoted = line.trim();
  const [quote] = quoted;
  const isQuoted = quoted.length >= 2 && (quote === "'" || quote === '"') && quoted.endsWith(quote);
  const body = isQuoted ? quoted.slice(1, -1) : quoted;
  return body.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/g, (_, code: string) => {
    if (code.length === 3 && code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return SIMPLE[code] ?? (/[\\'"]/.test(code) ? code : `\\${code}`);
  });
}

/** UNICODE: only `\uXXXX` and `\UXXXXXXXX` are escapes. */
export function decodeRawUnicode(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) => {
    const point = Number.parseInt(short ?? long ?? '', 16);
    return point <= 0x10_ffff ? String.fromCodePoint(point) : whole;
  });
}

/** A line that Python reads as a number: ` 0_1` is 1. What is no number is itself a key. */
export function toMemoKey(line: string): number | string {
  const digits = line.trim().replaceAll('_', '');
  return /^[+-]?\d{1,15}$/.test(digits) ? Number(digits) : digits.slice(0, 32);
}
