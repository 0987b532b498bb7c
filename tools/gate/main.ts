/** The gate: `npm test` runs every step, `npm run check` the quick ones. The last line is `N passed, N failed`. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ensureDebian } from '../setup.mjs';
import { STEPS, type Step } from './steps.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const quickOnly = process.argv.includes('--quick');
mkdirSync('.cache', { recursive: true });
if (!quickOnly)
  ensureDebian([
    { command: 'curl', name: 'curl' },
    { command: 'ip', name: 'iproute2' },
    { command: 'unzip', name: 'unzip' },
    { command: 'avahi-daemon', name: 'avahi-daemon' },
    { command: 'avahi-browse', name: 'avahi-utils' },
    { command: 'dbus-daemon', name: 'dbus' },
  ]);
const results = STEPS.filter((step) => step.quick || !quickOnly).map(runStep);
const passed = results.reduce((sum, counts) => sum + counts.passed, 0);
const failed = results.reduce((sum, counts) => sum + counts.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function runStep(step: Step): Counts {
  const [command = '', ...args] = step.command;
  if (step.report !== undefined) rmSync(step.report, { force: true });
  console.log(`\n── ${step.name}`);
  const startedMs = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`── ${step.name}: ${status === 0 ? 'ok' : `FAILED (try: ${step.advice})`}, ${seconds} s`);
  if (step.report === undefined) return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  return countsOf(step.report, status === 0);
}

/** Vitest's own counts; a runner that fell over without a report, or ran nothing, is one failure. */
function countsOf(report: string, ok: boolean): Counts {
  try {
    const json = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number };
    const failed = Math.max(json.numFailedTests, ok && json.numPassedTests > 0 ? 0 : 1);
    return { passed: json.numPassedTests, failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
