import { describe, expect, test } from 'vitest';
import { parseManifest, parseNodeCapabilities } from '../../protocol/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import type { FitWord } from '../types.ts';
import { type FitCircumstances, planFit } from './plan-fit.ts';

interface FitCase {
  readonly name: string;
  readonly manifest: unknown;
  readonly node: unknown;
  readonly circumstances?: FitCircumstances;
  readonly fit: FitWord;
  readonly codes: readonly string[];
  readonly messages?: readonly string[];
}

describe('planFit()', () => {
  test.each(vectorCases<FitCase>('fit'))('%s', (_name, { manifest, node, circumstances, fit, codes, messages }) => {
    const planned = planFit(parseManifest(manifest), parseNodeCapabilities(node), circumstances);
    expect(planned.reasons.map(({ code }) => code)).toEqual(codes);
    expect(planned.fit).toBe(fit);
    if (messages !== undefined) expect(planned.reasons.map(({ message }) => message)).toEqual(messages);
  });
});
