/** The program's log: JSON lines to stderr or a file. Fields that could hold a secret are cut out, whoever logs them. */
import pino from 'pino';
import type { DaemonConfig } from '../api/index.ts';
import type { Logger } from '../core/index.ts';

const SECRET_FIELDS = ['token', 'secret', 'authorization', '*.token', '*.secret', '*.authorization', 'headers'];

export function openLogger({ logLevel, logFile }: Pick<DaemonConfig, 'logLevel' | 'logFile'>): Logger {
  const destination = pino.destination({ dest: logFile ?? 2, mkdir: true, sync: true });
  return pino({ level: logLevel, base: null, redact: { paths: SECRET_FIELDS, remove: true } }, destination);
}
