/** Puts two versions in force in turn, without end, until it is killed. Started by current-link.test.ts. */
import { writeSync } from 'node:fs';
import type { ModelId } from '../../core/index.ts';
import { linkCurrent } from '../index.ts';

const [home = '', modelId = '', ...versions] = process.argv.slice(2);
writeSync(1, 'begun\n');
for (;;) for (const version of versions) await linkCurrent({ home, modelId: modelId as ModelId, version });
