/** Text from peers on a terminal: without control characters, measured in cells. */
const CONTROL = /\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of styles
const STYLE = /(\u001b\[(?:1|22|3[1-3]|39)m)/;
const MARK = /\p{M}|\p{Cf}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Names and messages are chosen by peers: an escape sequence in one must not reach the terminal. */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, '\ufffd');
}

/** The same for a finished line: the few styles that `Output.paint` makes may stay. */
export function printableLine(line: string): string {
  return line
    .split(STYLE)
    .map((part, index) => (index % 2 === 0 ? printable(part) : part))
    .join('');
}

export function displayWidth(text: string): number {
  let cells = 0;
  for (const character of text) cells += widthOf(character);
  return cells;
}

/** At most `cells` wide; what is cut ends in `…`. */
export function clip(text: string, cells: number): string {
  if (displayWidth(text) <= cells) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += widthOf(character);
    if (used > cells - 1) break;
    kept += character;
  }
  return cells < 1 ? '' : `${kept}…`;
}

export function padTo(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, cells - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

function widthOf(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
