/**
 * The gossip strategy on this node: tells what is new here, answers who wants something, and asks the mesh for what nobody is known
 * to have. It moves no bytes: what is chosen is fetched by the transfer service. Spec: docs/spec/17-deployment.md §7.
 */
import { randomUUID } from 'node:crypto';
import { Emitter, type NodeId } from '../../core/index.ts';
import { type Criteria, chooseModel } from '../../deploy/index.ts';
import type { RecordEvent } from '../../mesh/index.ts';
import type { ModelOffer, ModelWanted } from '../../protocol/index.ts';
import type { ModelVariant } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { AvailableTeller } from './available-teller.ts';
import { type ExchangeWord, readExchangeWord } from './exchange-words.ts';
import { OfferDesk, toOnOffer } from './offer-desk.ts';
import type { AvailableEvent, ExchangeSurroundings } from './ports.ts';

export class ModelExchange implements Disposable {
  /** Somebody has something new: what should be here is to be planned again. */
  readonly available = new Emitter<AvailableEvent>();
  readonly #around: ExchangeSurroundings;
  readonly #teller: AvailableTeller;
  readonly #desk: OfferDesk;
  readonly #offers = new Emitter<ExchangeWord<ModelOffer>>();
  readonly #stop: () => void;
  #asking = 0;

  constructor(around: ExchangeSurroundings) {
    this.#around = around;
    this.#teller = new AvailableTeller(around);
    this.#desk = new OfferDesk(around);
    this.#stop = around.mesh.recordEvents.on((event) => this.#onRecord(event));
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#teller[Symbol.dispose]();
    this.#desk[Symbol.dispose]();
  }

  /** The best that is known of now, or undefined. Throws ProtocolError `invalid_range`. */
  choose(criteria: Criteria): ModelVariant | undefined {
    const { catalog, isDeprecated, fitOf } = this.#around;
    const offers = catalog.getAllModels().map((variant) => ({ ...toOnOffer(variant.entry), variant }));
    return chooseModel(offers, criteria, {
      isDeprecated: ({ modelId, version }) => isDeprecated(modelId, version),
      fitOf: ({ variant }) => fitOf(variant),
    })?.variant;
  }

  /**
   * The best that is known of, else what the mesh offers within the time. Throws NodeError `nothing_offered`, `too_many_requests`;
   * ProtocolError `invalid_range`; the signal's reason.
   */
  async find(criteria: Criteria, waitMs: number, signal: AbortSignal): Promise<ModelVariant> {
    const known = this.choose(criteria);
    if (known !== undefined) return known;
    if (this.#asking >= NODE_LIMITS.ownRequests)
      throw new NodeError('too_many_requests', `Asking the mesh: ${this.#asking} requests wait for offers already`);
    this.#asking += 1;
    try {
      return await this.#ask(criteria, waitMs, signal);
    } finally {
      this.#asking -= 1;
    }
  }

  /** An offer says who has it; what it is exactly, the holder's catalog says, which may come a moment later. */
  async #ask(criteria: Criteria, waitMs: number, signal: AbortSignal): Promise<ModelVariant> {
    const request = `request:${randomUUID()}`;
    const offered = { count: 0 };
    const { promise, resolve, reject } = Promise.withResolvers<ModelVariant>();
    const look = (): void => {
      const found = this.choose(criteria);
      if (found !== undefined) resolve(found);
    };
    const stops = [
      this.#offers.on(({ message }) => {
        if (message.request !== request || message.to_node !== this.#around.mesh.nodeId) return;
        offered.count += 1;
        look();
      }),
      this.#around.catalog.events.on((event) => {
        if (event.type === 'changed') look();
      }),
      this.#around.clock.after(waitMs, () => reject(nothingOffered(criteria, waitMs, offered.count))),
    ];
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#publishRequest(request, criteria);
      return await promise;
    } finally {
      for (const stop of stops) stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #publishRequest(key: string, { name, version, capabilities, maxSizeBytes }: Criteria): void {
    const { mesh } = this.#around;
    const criteria = {
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
      capabilities,
      ...(maxSizeBytes === undefined ? {} : { max_size_bytes: maxSizeBytes }),
    };
    const payload = { type: 'model_request', from_node: mesh.nodeId, criteria, urgency: 'normal' };
    mesh.publish({ kind: 'exchange', key, payload, ttlMs: NODE_LIMITS.requestLifeMs });
  }

  #onRecord(event: RecordEvent): void {
    if (event.type !== 'accepted' || event.record.kind !== 'exchange') return;
    const word = readExchangeWord(event.record, this.#around.clock.nowMs());
    if (word === undefined) return;
    const { message, from } = word;
    if (message.type === 'model_request') this.#desk.onRequest(word as ExchangeWord<ModelWanted>);
    else if (message.type === 'model_offer') this.#onOffer(word as ExchangeWord<ModelOffer>);
    else if (from !== this.#around.mesh.nodeId) this.available.emit({ from: from as NodeId, message });
  }

  #onOffer(word: ExchangeWord<ModelOffer>): void {
    this.#desk.onOffer(word);
    this.#offers.emit(word);
  }
}

function nothingOffered(criteria: Criteria, waitMs: number, offers: number): NodeError {
  const { name, version, capabilities, maxSizeBytes } = criteria;
  const wanted = [
    name,
    version === undefined ? undefined : `version ${version}`,
    capabilities.length === 0 ? undefined : `capabilities ${capabilities.join(', ')}`,
    maxSizeBytes === undefined ? undefined : `at most ${maxSizeBytes} bytes`,
  ].filter((word) => word !== undefined);
  const seen = offers === 0 ? 'nobody offered one' : `${offers} offers came, and none of them fits this machine`;
  return new NodeError('nothing_offered', `Looking for a model (${wanted.join('; ')}): ${seen} in ${waitMs / 1000} s`);
}
