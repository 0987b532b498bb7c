/** `node tools/run.mjs SCRIPT [ARGS]`: sets the checkout up, then runs SCRIPT (TypeScript or JavaScript) on Node 24. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ROOT, SetupError, setUp } from './setup.mjs';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write('usage: node tools/run.mjs SCRIPT [ARGS]\n');
  process.exit(2);
}
let node;
try {
  node = setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exit(1);
}
const path = `${dirname(node)}:${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}`;
const child = spawn(node, ['--disable-warning=ExperimentalWarning', script, ...args], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, PATH: path },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 130));
