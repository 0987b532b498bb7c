/** How many connections may be open: two totals, and a count an address. 05-http §5 no. 1. */
import { isLoopback } from './access.ts';

export interface ConnectionLimits {
  readonly connections: number;
  readonly loopbackConnections: number;
  readonly connectionsPerAddress: number;
}

export class ConnectionGate {
  readonly #limits: ConnectionLimits;
  readonly #perAddress = new Map<string, number>();
  #loopback = 0;
  #others = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Counts a connection in and returns the function that counts it out; or says which limit is reached. */
  enter(address: string): (() => void) | 'connections' | 'connections_per_address' {
    if (isLoopback(address)) return this.#enterLoopback();
    const held = this.#perAddress.get(address) ?? 0;
    if (this.#others >= this.#limits.connections) return 'connections';
    if (held >= this.#limits.connectionsPerAddress) return 'connections_per_address';
    this.#others += 1;
    this.#perAddress.set(address, held + 1);
    return () => this.#leave(address);
  }

  #enterLoopback(): (() => void) | 'connections' {
    if (this.#loopback >= this.#limits.loopbackConnections) return 'connections';
    this.#loopback += 1;
    return () => {
      this.#loopback -= 1;
    };
  }

  #leave(address: string): void {
    this.#others -= 1;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }
}
