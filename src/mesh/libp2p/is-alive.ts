/** Whether whoever is at the other end of a connection still answers. */
import type { Connection } from '@libp2p/interface';
import { MESH_LIMITS } from '../limits.ts';

/** Asked for a protocol that nobody speaks here: its refusal is an answer too. */
const ANY_PROTOCOL = '/ipfs/ping/1.0.0';

export async function isAlive(connection: Connection): Promise<boolean> {
  const signal = AbortSignal.timeout(MESH_LIMITS.probeTimeoutMs);
  try {
    const stream = await connection.newStream(ANY_PROTOCOL, { signal, runOnLimitedConnection: true });
    stream.abort(new Error('answered'));
    return true;
  } catch (thrown) {
    return thrown instanceof Error && thrown.name === 'UnsupportedProtocolError';
  }
}
