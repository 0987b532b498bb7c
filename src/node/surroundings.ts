/** What every part of a node is opened with. */
import type { DaemonConfig } from '../api/index.ts';
import type { Clock, Logger } from '../core/index.ts';
import type { Registry } from '../registry/index.ts';
import type { BlobStore } from '../store/index.ts';
import type { Home } from './home.ts';

export interface Surroundings {
  readonly config: DaemonConfig;
  readonly name: string;
  readonly home: Home;
  readonly registry: Registry;
  readonly store: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
}
