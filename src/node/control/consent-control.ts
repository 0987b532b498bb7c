/** Sources that the owner agreed to. Spec: docs/spec/20-access.md §5. */
import type { AnswerOf, ControlHandlers } from '../../api/index.ts';
import { isNodeId } from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import { sourcesOf } from '../consent/sources-of.ts';
import { NodeError } from '../errors.ts';
import { nameOf } from './known-names.ts';
import { findNode } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';

type ConsentControl = Pick<ControlHandlers, 'consent' | 'consentAdd' | 'consentRemove' | 'consentMode'>;

export function consentControl(parts: NodeParts): ConsentControl {
  const { consent } = parts;
  return {
    consent: async () => show(parts),
    async consentAdd({ body }) {
      consent.add(sourceOf(parts, body.source), 'command');
      return show(parts);
    },
    async consentRemove({ body }) {
      consent.remove(sourceOf(parts, body.source));
      return show(parts);
    },
    async consentMode({ body }) {
      consent.mode = body.mode;
      return show(parts);
    },
  };
}

/** Before a pull begins. With `yes` the owner agrees to all of them. Throws NodeError `consent_needed` with what to do. */
export function verifyConsent(parts: NodeParts, entry: ModelEntry, yes: boolean): void {
  const { consent, catalog, mirrors, mesh } = parts;
  const unagreed = consent.unagreed(sourcesOf({ catalog, mirrors, nodeId: mesh.nodeId }, entry));
  if (unagreed.length === 0) return;
  if (yes) {
    for (const source of unagreed) consent.add(source, 'flag');
    return;
  }
  const names = unagreed.map((source) => nameOfSource(parts, source));
  throw new NodeError(
    'consent_needed',
    `Pulling ${entry.model_id}: it would come from ${names.join(', ')}, whom you have not agreed to; \`atmosphere consent add ${names[0]}\`, or the same command with --yes`,
    { data: { sources: unagreed, names } },
  );
}

/** A node by name or id, or the origin of a URL. */
function sourceOf(parts: NodeParts, text: string): string {
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
  return url === null ? findNode(parts, text) : url.origin;
}

function show(parts: NodeParts): AnswerOf<'consent'> {
  const rows = parts.consent.list().map(({ source, givenAtMs, how }) => {
    return { source, name: nameOfSource(parts, source), given_at: new Date(givenAtMs).toISOString(), how };
  });
  return { mode: parts.consent.mode, consents: rows };
}

function nameOfSource(parts: NodeParts, source: string): string {
  return isNodeId(source) ? nameOf(parts, source) : source;
}
