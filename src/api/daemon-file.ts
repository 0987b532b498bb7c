/**
 * `<home>/run/daemon.json`: how the command line finds a running daemon. The daemon writes it (to a temporary name,
 * then renamed) once everything is open, and removes it as its last act. Spec: docs/spec/11-cli.md §4.
 */
import { z } from 'zod';
import { messageOf } from '../core/index.ts';
import { ApiError } from './errors.ts';

/** Paths in a home, with `/`. The token file has mode 0600 and one line. */
export const DAEMON_FILE = 'run/daemon.json';
export const TOKEN_FILE = 'run/token';

export const daemonFileSchema = z.object({
  pid: z.number().int().positive(),
  /** Base URL of the control API on loopback, `http://127.0.0.1:14345`. */
  http: z.url({ protocol: /^http$/, hostname: /^(127\.0\.0\.1|localhost|\[::1\])$/ }),
  node_id: z.string().min(1),
  started_at: z.string(),
  /** `CONTRACT_VERSION` of the daemon. */
  contract: z.number().int(),
});
export type DaemonFile = z.infer<typeof daemonFileSchema>;

/** The first line of `up --json`: what is open, or why nothing is. Spec: docs/spec/11-cli.md §3, §5. */
export const startLineSchema = z.union([
  z.object({
    event: z.literal('ready'),
    contract: z.number().int(),
    node_id: z.string(),
    name: z.string(),
    http: z.string(),
    agent: z.string(),
    mesh: z.array(z.string()),
    home: z.string(),
    pid: z.number().int(),
    relay: z.string().optional(),
  }),
  z.object({ error: z.object({ code: z.string(), message: z.string(), kind: z.string() }) }),
]);

/** Throws ApiError `bad_daemon_file`. A token is sent only to loopback, so any other host is refused here. */
export function parseDaemonFile(text: string): DaemonFile {
  try {
    return daemonFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? cause.issues[0]?.message : messageOf(cause);
    throw new ApiError('bad_daemon_file', `Reading ${DAEMON_FILE}: ${reason}`, { cause });
  }
}
