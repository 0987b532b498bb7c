/**
 * Services of libp2p that see only admitted peers: gossip, relay, hole punching. Their handlers wait for the admission of
 * the connection, their topologies hear of a peer after it. Not done by libp2p's connection middleware: `Connection` of
 * libp2p 3.3 pushes each stream's handler into the registered array, so that a second stream would run the first one's.
 */
import type { Connection, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface';
import { MeshError } from '../errors.ts';
import type { Admissions } from './admissions.ts';

/** The part of libp2p's registrar that is changed. */
interface RegistrarPart {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>;
  register(protocol: string, topology: Topology): Promise<string>;
}

/** The same components with a registrar that admits. libp2p's components are a Proxy: they cannot be spread. */
export function withAdmission<Components extends { readonly registrar: RegistrarPart }>(
  components: Components,
  admissions: Admissions,
): Components {
  const registrar = admittedRegistrar(components.registrar, admissions);
  return new Proxy(components, {
    get: (target, name) => (name === 'registrar' ? registrar : Reflect.get(target, name)),
  });
}

export function admittedRegistrar<Registrar extends RegistrarPart>(
  registrar: Registrar,
  admissions: Admissions,
): Registrar {
  const changed: RegistrarPart = {
    handle: (protocol, handler, options) => registrar.handle(protocol, admittedHandler(handler, admissions), options),
    register: (protocol, topology) => registrar.register(protocol, admittedTopology(topology, admissions)),
  };
  return new Proxy(registrar, {
    get(target, name) {
      if (name === 'handle' || name === 'register') return changed[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function admittedHandler(handler: StreamHandler, admissions: Admissions): StreamHandler {
  return async (stream, connection) => {
    if (await admissions.wait(connection)) {
      await handler(stream, connection);
      return;
    }
    stream.abort(new MeshError('peer_refused', `Serving ${connection.remotePeer}: it is not admitted`));
  };
}

function admittedTopology(topology: Topology, admissions: Admissions): Topology {
  return {
    ...topology,
    // Not awaited: libp2p tells its topologies one after the other.
    onConnect: (peerId, connection) => {
      void tellWhenAdmitted(topology, peerId, connection, admissions);
    },
  };
}

async function tellWhenAdmitted(
  topology: Topology,
  peerId: Connection['remotePeer'],
  connection: Connection,
  admissions: Admissions,
): Promise<void> {
  const admitted = await admissions.wait(connection);
  if (!admitted || connection.status !== 'open') return;
  try {
    await topology.onConnect?.(peerId, connection);
  } catch (thrown) {
    connection.log.error('topology failed - %e', thrown);
  }
}
