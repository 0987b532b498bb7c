/**
 * An asker's side: a way to a holder through a relay, as host, port and server name for one TLS connection.
 * Spec: docs/spec/13-relay.md §5. Keeps a control connection to a relay for the next question, and closes it when none comes.
 */
import type { NodeId } from '../core/index.ts';
import { ControlClient } from './control-client.ts';
import { RelayError } from './errors.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import type { RelayClientOptions } from './open-relay-tls.ts';
import { toServerName } from './preamble.ts';
import { formatRelayAddress, parseRelayAddress, type RelayAddress } from './relay-address.ts';

/** Where to open one TLS connection with the target; good for one, and for a few seconds. */
export interface RelayedWay {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
}

interface KeptClient {
  readonly opening: Promise<ControlClient>;
  questions: number;
  cancelIdle: () => void;
}

export class RelayDialer implements Disposable {
  readonly #options: RelayClientOptions;
  readonly #limits: RelayLimits;
  readonly #closing = new AbortController();
  /** By address, the longest unused first. */
  readonly #kept = new Map<string, KeptClient>();

  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#limits = { ...RELAY_LIMITS, ...options.limits };
  }

  /** Throws RelayError. `relay` is `host:port`. */
  async open(relay: string, target: NodeId, signal: AbortSignal): Promise<RelayedWay> {
    const address = parseRelayAddress(relay);
    const key = formatRelayAddress(address);
    const kept = this.#keptFor(key, address);
    kept.questions += 1;
    kept.cancelIdle();
    try {
      const token = await (await untilAborted(kept.opening, signal)).connect(target, signal);
      return { ...address, servername: toServerName(token) };
    } finally {
      kept.questions -= 1;
      if (kept.questions === 0) kept.cancelIdle = this.#dropLater(key, kept);
    }
  }

  /** Another certificate: the next question comes with it. */
  reconnect(): void {
    for (const [key, kept] of [...this.#kept]) this.#drop(key, kept);
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.reconnect();
  }

  #keptFor(key: string, address: RelayAddress): KeptClient {
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const kept = known ?? this.#open(key, address);
    this.#kept.set(key, kept);
    for (const [oldKey, old] of [...this.#kept].slice(0, -this.#limits.askedRelays)) this.#drop(oldKey, old);
    return kept;
  }

  /** One that fails, or ends, is forgotten: the next question opens another. */
  #open(key: string, address: RelayAddress): KeptClient {
    const opening = ControlClient.open(address, this.#options, this.#closing.signal);
    const kept: KeptClient = { opening, questions: 0, cancelIdle: () => {} };
    const forget = (): void => this.#drop(key, kept);
    opening.then((client) => client.closed.then(forget), forget);
    return kept;
  }

  #dropLater(key: string, kept: KeptClient): () => void {
    return this.#options.clock.after(this.#limits.idleAskerMs, () => this.#drop(key, kept));
  }

  #drop(key: string, kept: KeptClient): void {
    kept.cancelIdle();
    if (this.#kept.get(key) === kept) this.#kept.delete(key);
    kept.opening.then(
      (client) => client.close(),
      () => {},
    );
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new RelayError('cancelled', 'Asking a relay: cancelled'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
