/** The sources of one download, what each has done so far, and why each failed last. */
import { isFinalForPeer, TransferError, type TransferErrorCode } from './errors.ts';
import type { PieceSource } from './ports.ts';
import { type SourceOutcome, SourceStats } from './source-stats.ts';

export interface BookedSource {
  readonly port: PieceSource;
  readonly stats: SourceStats;
  lastError: TransferError | undefined;
}

export class SourceBook {
  readonly #sources = new Map<string, BookedSource>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** False when the id is known already, or there are too many. One that had nothing of the blob may have it now. */
  add(port: PieceSource): boolean {
    const known = this.#sources.get(port.id);
    const mayComeBack = known?.lastError?.code === 'not_held';
    if (!mayComeBack && (known !== undefined || this.#sources.size >= this.#max)) return false;
    const stats = known?.stats ?? new SourceStats(port.id, port.nodeId);
    this.#sources.set(port.id, { port, stats, lastError: undefined });
    return true;
  }

  get(id: string): BookedSource | undefined {
    return this.#sources.get(id);
  }

  all(): BookedSource[] {
    return [...this.#sources.values()];
  }

  /** Those that may still give the piece list. */
  withPieceList(): PieceSource[] {
    const mayHave = ({ port, lastError }: BookedSource): boolean =>
      port.pieceHashes !== undefined && (lastError === undefined || !isFinalForPeer(lastError.code));
    return this.all()
      .filter(mayHave)
      .map(({ port }) => port);
  }

  noteFailure(id: string, error: TransferError): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    source.lastError = error;
    source.stats.addFailure(error);
  }

  outcomes(): SourceOutcome[] {
    return this.all().map((source) => source.stats.outcome());
  }

  /** That nobody who could give the piece list has given it, with every one's reason. */
  noPieceList(): TransferError {
    const { code, message, data } = this.noSources('it gives no piece list');
    const lacking = 'the list of piece hashes is missing, which only nodes that have or fetch the blob can give';
    return new TransferError(code, `${message}; ${lacking}`, { data: { ...data, missing: 'piece_list' } });
  }

  /** That nobody is left, with every one's reason. */
  noSources(unaskedBecause = ''): TransferError {
    const peers = this.all().map(({ port, lastError }) => ({
      id: port.id,
      nodeId: port.nodeId,
      code: lastError?.code ?? 'not_asked',
      message: lastError?.message ?? unaskedBecause,
    }));
    const reasons = peers.map((peer) => `${peer.id} ${peer.code}`).join(', ') || 'there are none';
    return new TransferError(commonCode(peers), `Downloading: no peer is left (${reasons})`, { data: { peers } });
  }
}

/** Where all have failed alike, and for good, that is the reason; else that nobody is left. */
function commonCode(peers: readonly { readonly code: string }[]): TransferErrorCode {
  const all = (code: TransferErrorCode): boolean => peers.length > 0 && peers.every((peer) => peer.code === code);
  const [noRight, notHeld] = ['not_permitted', 'not_held'];
  const isForbidden =
    peers.some(({ code }) => code === noRight) && peers.every(({ code }) => code === noRight || code === notHeld);
  return COMMON_CODES.find(all) ?? (isForbidden ? 'not_permitted' : 'no_sources');
}

const COMMON_CODES = ['bad_piece', 'bad_response', 'refused', 'not_held', 'peer_not_trusted'] as const;
