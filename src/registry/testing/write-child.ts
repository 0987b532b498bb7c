/** Writes models in transactions without end until it is killed. Started by registry.test.ts. */
import { writeSync } from 'node:fs';
import { openRegistry } from '../index.ts';
import { localModel } from './local-model.ts';

const [path = ''] = process.argv.slice(2);
const registry = openRegistry(path);
for (let batch = 0; ; batch += 1) {
  registry.models.putAll(Array.from({ length: 20 }, (_, index) => localModel(batch * 20 + index)));
  writeSync(1, `${batch}\n`);
}
