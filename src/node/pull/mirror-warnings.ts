/** Mirrors are places of this node's owner: nobody but its owner can mend one, so its failure is said. Spec: 10-transfer §10. */
import type { Logger } from '../../core/index.ts';
import type { TransferSnapshot } from './transfer-snapshot.ts';

/** Logs why a mirror failed, once for each mirror of the pull that it is made for. */
export function mirrorWarnings(logger: Logger): (snapshot: TransferSnapshot) => void {
  const said = new Set<string>();
  return ({ requestId, entry, mirrors }) => {
    for (const { name, reason } of mirrors) {
      if (reason === undefined || said.has(name)) continue;
      said.add(name);
      logger.warn({ requestId, model: entry.model_id, mirror: name, reason }, 'a mirror failed');
    }
  };
}
