/** Runs every example as a newcomer would; an example that fails, prints nothing or hangs fails the gate. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const TIMEOUT_MS = 60_000;
let failed = 0;
for (const file of globSync('examples/*.ts').sort()) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: TIMEOUT_MS });
  const ok = status === 0 && stdout.trim() !== '';
  console.log(`${ok ? 'ok' : 'FAILED'} ${file}`);
  if (!ok) console.log(stdout, stderr);
  failed += ok ? 0 : 1;
}
process.exitCode = failed === 0 ? 0 : 1;
