/** `down`: asks, waits, and only then sends a signal. Spec: docs/spec/11-cli.md §3. */
import type { Context } from './context.ts';
import { findDaemon } from './daemon-link.ts';
import { CliError } from './errors.ts';
import { CLI_LIMITS } from './limits.ts';
import { isProcessAlive } from './process-alive.ts';
import { becomesTrue } from './waiting.ts';

export async function stopDaemon(context: Context): Promise<number> {
  const { out, home } = context;
  const file = await findDaemon(home);
  if (file === undefined) {
    out.answer({ stopped: false, pid: null, killed: false }, () => [`no daemon was running for ${home}`]);
    return 0;
  }
  await context.call('shutdown');
  const isGone = () => context.signal.aborted || !isProcessAlive(file.pid);
  let killed = false;
  if (!(await becomesTrue(isGone, CLI_LIMITS.downTimeoutMs))) {
    // The process has just answered as the daemon of this home, so the pid is its own.
    killed = true;
    out.warn(`the daemon did not end in ${CLI_LIMITS.downTimeoutMs / 1000} s; sending SIGTERM to pid ${file.pid}`);
    process.kill(file.pid, 'SIGTERM');
    if (!(await becomesTrue(isGone, CLI_LIMITS.killTimeoutMs)))
      throw new CliError('daemon_not_stopped', `Stopping the daemon: pid ${file.pid} is still there`);
  }
  context.signal.throwIfAborted();
  out.answer({ stopped: true, pid: file.pid, killed }, () => [`stopped (pid ${file.pid})`]);
  return 0;
}
