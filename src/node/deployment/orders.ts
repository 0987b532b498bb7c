/** Orders: their records' keys, whether they may be heeded, and giving one. Spec: docs/spec/17-deployment.md §3. */
import type { NodeId } from '../../core/index.ts';
import type { Order, PlanAccess, Refusal } from '../../deploy/index.ts';
import { MESH_LIMITS, type Mesh, type RecordEvent } from '../../mesh/index.ts';
import {
  canonicalBytes,
  digestKey,
  type ModelManifest,
  parseUpdateCommand,
  type SignedRecord,
  type UpdateCommand,
} from '../../protocol/index.ts';
import { checkOrder, FLAW_WORDS, mayRead, type OrderContext, type OrderFlaw } from '../../trust/index.ts';

/** An order replaces its author's older one with the same key. */
export function orderKeyOf({ manifest, target_nodes, target }: UpdateCommand): string {
  const { node_ids, ...rest } = target;
  const named = { ...rest, node_ids: node_ids.toSorted() };
  const facts = { model_id: manifest.model_id, target_nodes: target_nodes.toSorted(), target: named };
  return digestKey(canonicalBytes(facts));
}

export type RecordSource = Pick<Mesh, 'records' | 'recordEvents' | 'membershipEvents'>;

/** All orders that the mesh holds, heeded or not, each parsed once. Those of a node that is put out go with it. */
export class OrderBook implements Disposable {
  readonly #mesh: RecordSource;
  readonly #orders = new Map<string, Order>();
  readonly #stops: (() => void)[];

  constructor(mesh: RecordSource, onChange: () => void) {
    this.#mesh = mesh;
    this.#readAll();
    this.#stops = [
      mesh.recordEvents.on((event) => {
        if (this.#onRecord(event)) onChange();
      }),
      mesh.membershipEvents.on(() => {
        this.#readAll();
        onChange();
      }),
    ];
  }

  list(): readonly Order[] {
    return [...this.#orders.values()];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #readAll(): void {
    this.#orders.clear();
    for (const record of this.#mesh.records({ kind: 'deployment' })) this.#read(record);
  }

  #onRecord(event: RecordEvent): boolean {
    if (event.type === 'revoked') {
      const gone = [...this.#orders].filter(([, { author }]) => author === event.nodeId);
      for (const [key] of gone) this.#orders.delete(key);
      return true;
    }
    const { record } = event;
    if (record.kind !== 'deployment') return record.kind === 'certificate';
    if (event.type === 'accepted') this.#read(record);
    else if (this.#orders.get(nameOf(record))?.orderedAtMs === record.issued_at) this.#orders.delete(nameOf(record));
    return true;
  }

  #read(record: SignedRecord): void {
    const { payload, author, issued_at: orderedAtMs } = record;
    try {
      this.#orders.set(nameOf(record), { command: parseUpdateCommand(payload), author: author as NodeId, orderedAtMs });
    } catch {
      // Of a later version: the mesh checked it on arrival.
      this.#orders.delete(nameOf(record));
    }
  }
}

function nameOf({ author, key }: SignedRecord): string {
  return `${author}\n${key}`;
}

/** Signed by the record, for everybody it is for. Throws MeshError `record_refused`. */
export function publishOrder(mesh: Pick<Mesh, 'publish'>, command: UpdateCommand): void {
  const key = orderKeyOf(command);
  mesh.publish({ kind: 'deployment', key, payload: command, ttlMs: MESH_LIMITS.orderRecordLifeMs });
}

/** Rights as plans ask for them; signatures are looked at once a manifest and author. */
export function planAccess(context: OrderContext): PlanAccess {
  const known = new WeakMap<ModelManifest, Map<NodeId, Refusal | undefined>>();
  return {
    mayDeploy(manifest, author, action = 'deploy') {
      if (action === 'remove') return toRefusal(checkOrder({ author, action, manifest }, context));
      const byAuthor = known.get(manifest) ?? new Map<NodeId, Refusal | undefined>();
      known.set(manifest, byAuthor);
      if (!byAuthor.has(author)) byAuthor.set(author, toRefusal(checkOrder({ author, manifest }, context)));
      return byAuthor.get(author);
    },
    mayRead(manifest, role) {
      if (mayRead(context.policy, manifest.model_id, role)) return undefined;
      return { code: 'not_permitted', message: `the role ${role} may not read ${manifest.model_id}` };
    },
  };
}

const WRONG_SIGNATURE: readonly OrderFlaw[] = [
  'manifest_signature_wrong',
  'order_signature_wrong',
  'signer_revoked',
  'signer_unknown',
  'signer_expired',
  'manifest_unsigned',
];

function toRefusal(flaw: OrderFlaw | undefined): Refusal | undefined {
  if (flaw === undefined) return undefined;
  const code = WRONG_SIGNATURE.includes(flaw) ? 'bad_signature' : 'not_permitted';
  return { code, message: `the order is not heeded: ${FLAW_WORDS[flaw]}` };
}
