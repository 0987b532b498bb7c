/** Does this node's owner let formats be loaded that run code? Said at the start, kept over restarts; no unless said. */
import type { Registry } from '../../registry/index.ts';

const ALLOW_CODE = 'allow_code';

/** What was given now counts, else what was given last. */
export function codeSetting(settings: Registry['settings'], given: boolean | undefined): boolean {
  const last = settings.get(ALLOW_CODE) === true;
  if (given === undefined || given === last) return last;
  settings.set(ALLOW_CODE, given);
  return given;
}
